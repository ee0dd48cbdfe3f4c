import type { GraphQLSchema } from 'graphql'
import { sendContent } from '../http/content.ts'
import { baseUrlOf } from '../http/request.ts'
import type { Route } from '../http/router.ts'
import { outsideCodegen } from './outside-codegen.ts'
import { printedSchema } from './printed-schema.ts'

const text = (description: string) => ({
  get: {
    summary: description,
    responses: {
      200: { description: 'The text.', content: { 'text/plain': { schema: { type: 'string' } } } },
      304: { description: 'As the caller has it, by its If-None-Match.' },
    },
  },
})

/**
 * What a project outside needs: `/schema.graphql`, and a `/codegen.ts` that reads it. `publicUrl` is how the world reaches
 * us; without it the address that the caller used.
 */
export function schemaRoutes(schema: GraphQLSchema, publicUrl: string | undefined): Route[] {
  let printed: string | undefined
  return [
    {
      method: 'GET',
      path: '/schema.graphql',
      openapi: text('The schema of the GraphQL API, in the schema language.'),
      handler: (exchange) => {
        // Kept: printing takes a moment, and the schema never changes in a process.
        printed ??= printedSchema(schema)
        return sendContent(exchange, { type: 'text/plain; charset=utf-8', body: printed, keep: 'ASKING' })
      },
    },
    {
      method: 'GET',
      path: '/codegen.ts',
      openapi: text('A configuration of GraphQL Code Generator for a project outside, with this address in it.'),
      handler: (exchange) => {
        const body = outsideCodegen(publicUrl ?? baseUrlOf(exchange.request))
        return sendContent(exchange, { type: 'text/plain; charset=utf-8', body, keep: 'ASKING' })
      },
    },
  ]
}
