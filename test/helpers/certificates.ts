/** A private CA and a certificate that it issued, created with openssl. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificates {
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Creates a CA and a certificate for `names` (subjectAltName) in a directory. */
export function makeCertificates(directory: string, names = 'DNS:localhost,IP:127.0.0.1'): Certificates {
  const at = (name: string): string => join(directory, name);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const [ca, caKey, cert, key] = [at('ca.pem'), at('ca.key'), at('server.pem'), at('server.key')];
  openssl([...request, '-subj', '/CN=Latchkey test CA', '-keyout', caKey, '-out', ca]);
  const issued = ['-subj', '/CN=server', '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=CA:FALSE'];
  openssl([...request, ...issued, '-CA', ca, '-CAkey', caKey, '-keyout', key, '-out', cert]);
  return { ca, cert, key };
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
}
