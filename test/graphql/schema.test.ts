import { readFileSync } from 'node:fs';
import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedDirective,
} from 'graphql';
import t from 'tap';
import { createExecutableSchema, SCHEMA_FILE } from '../../src/graphql/schema.js';

const schema = buildSchema(readFileSync(SCHEMA_FILE, 'utf8'));

t.test('describes every type, field, argument, enum value and directive', async (t) => {
  const undescribed: string[] = [];
  const check = (name: string, { description }: { description?: string | null | undefined }) => {
    if (!description?.trim()) undescribed.push(name);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || ['String', 'Int', 'Float', 'Boolean', 'ID'].includes(type.name)) continue;
    check(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) check(`${type.name}.${field.name}`, field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      check(`${type.name}.${field.name}`, field);
      for (const argument of field.args) check(`${type.name}.${field.name}(${argument.name})`, argument);
    }
  }
  for (const directive of schema.getDirectives().filter((each) => !isSpecifiedDirective(each))) {
    check(`@${directive.name}`, directive);
    for (const argument of directive.args) check(`@${directive.name}(${argument.name})`, argument);
  }
  t.same(undescribed, []);
});

t.test('refuses a configured rate for a field without @rateLimit', async (t) => {
  const options = {
    knownScopes: new Set(['read:profile', 'write:profile']),
    rates: new Map([['me', { max: 1, windowMs: 1000 }]]),
  };
  t.throws(() => createExecutableSchema(options), /RATE_LIMIT_FIELDS names me/);
});
