/** The metadata of the authorization server (RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3). A pure function. */
import { IDENTITY_SCOPES } from '../authz/scopes.js';
import { ACR_VALUES, CLAIMS } from './claims.js';
import { ASSERTION_ALGORITHMS } from './clients/assertion.js';

/** The paths of the endpoints, by their name in the metadata. */
export const ENDPOINTS = {
  authorization_endpoint: '/oauth/authorize',
  token_endpoint: '/oauth/token',
  userinfo_endpoint: '/oauth/userinfo',
  jwks_uri: '/.well-known/jwks.json',
  revocation_endpoint: '/oauth/revoke',
  introspection_endpoint: '/oauth/introspect',
  device_authorization_endpoint: '/oauth/device_authorization',
  end_session_endpoint: '/oauth/logout',
  registration_endpoint: '/oauth/register',
} as const;

export interface MetadataOptions {
  /** PUBLIC_URL. Never the host of a request, which its sender chooses. */
  readonly issuer: string;
  /** The scopes of this deployment. */
  readonly scopes: ReadonlySet<string>;
  readonly grantTypes: readonly string[];
  /** OAUTH_ID_TOKEN_ALGORITHM. */
  readonly idTokenAlgorithm: string;
  /** Whether a `client_id` may be the URL of a metadata document. */
  readonly acceptsMetadataDocuments: boolean;
  /** Whether this deployment serves a path. */
  serves(path: string): boolean;
}

const CONFIDENTIAL_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

export function serverMetadata(options: MetadataOptions): Readonly<Record<string, unknown>> {
  const { issuer, scopes, grantTypes, idTokenAlgorithm, acceptsMetadataDocuments, serves } = options;
  const served = Object.entries(ENDPOINTS).filter(([, path]) => serves(path));
  const algorithms = (endpoint: string) => ({
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: ASSERTION_ALGORITHMS,
  });
  return {
    issuer,
    ...Object.fromEntries(served.map(([name, path]) => [name, issuer + path])),
    scopes_supported: [...IDENTITY_SCOPES, ...scopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: grantTypes,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [idTokenAlgorithm],
    token_endpoint_auth_methods_supported: [...CONFIDENTIAL_METHODS, 'none'],
    ...algorithms('token'),
    revocation_endpoint_auth_methods_supported: [...CONFIDENTIAL_METHODS, 'none'],
    ...algorithms('revocation'),
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
    ...algorithms('introspection'),
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    acr_values_supported: ACR_VALUES,
    client_id_metadata_document_supported: acceptsMetadataDocuments,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    claim_types_supported: ['normal'],
    claims_supported: CLAIMS,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}
