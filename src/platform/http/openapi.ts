// The doors that are not GraphQL, as OpenAPI 3.1 describes them. Each route says what it is where it is made; this puts
// together those that do.

import { ERROR_CODES, INTERNAL } from '../lib/errors.ts'
import { sendContent } from './content.ts'
import type { Route } from './router.ts'

/** What a route says of itself: an OpenAPI Path Item Object, without the parameters that its path names. */
export type PathItem = Readonly<Record<string, unknown>>

const PROBLEM = {
  type: 'object',
  description: 'An error, as RFC 9457 writes it, with a code of ours.',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string', description: 'What happened, in a few words.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What is wrong, for a person to read.' },
    code: {
      type: 'string',
      enum: [...ERROR_CODES, INTERNAL],
    },
    reason: { type: 'string', description: 'Which conflict it is, such as CLOSED.' },
    retryAfterMs: {
      type: 'integer',
      minimum: 0,
      description: 'When it is worth trying again; Retry-After says it too.',
    },
    issues: {
      type: 'array',
      description: 'One for each answer that cannot be taken.',
      items: {
        type: 'object',
        required: ['field', 'code', 'message'],
        properties: {
          field: { type: 'string', description: 'The key of the field.' },
          code: { type: 'string', description: 'Which mistake it is, such as REQUIRED, for wording of your own.' },
          message: { type: 'string', description: 'What is wrong, for a person to read.' },
        },
      },
    },
  },
} as const

/** An answer with a problem. */
export const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})

/** The document of all routes that say what they are. */
export function openapiDocument(routes: readonly Route[], version: string): object {
  const described = routes.flatMap(({ path, openapi }) => (openapi === undefined ? [] : [{ path, openapi }]))
  return {
    openapi: '3.1.1',
    info: {
      title: 'Cadre, the doors that are not GraphQL',
      version,
      description:
        'Forms and what is sent through them, health, and descriptions. Everything else is GraphQL, at /graphql.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(described.map(({ path, openapi }) => [path, { ...parametersOf(path), ...openapi }])),
    components: { schemas: { Problem: PROBLEM } },
  }
}

function parametersOf(path: string): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  if (names.length === 0) return {}
  return { parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }
}

/** `/openapi.json`, which describes the given routes and itself. */
export function openapiRoute(routes: readonly Route[], version: string): Route {
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    openapi: {
      get: {
        summary: 'This description.',
        responses: {
          200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
        },
      },
    },
    handler: (exchange) => sendContent(exchange, { type: 'application/json', body, keep: 'ASKING' }),
  }
  const body = `${JSON.stringify(openapiDocument([...routes, route], version), null, 2)}\n`
  return route
}
