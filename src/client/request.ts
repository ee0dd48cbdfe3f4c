import type { TypedDocumentString } from './gql/graphql.ts'

/** The data of a query or mutation, typed by its document. Throws RequestFailed for top-level errors and refusals. */
export type Requester = <Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  ...variables: Variables extends Record<string, never> ? [] : [Variables]
) => Promise<Data>

/** The server answered, but not with data; `code` is the first error's `extensions.code`. */
export class RequestFailed extends Error {
  readonly code: string | undefined
  readonly status: number

  constructor(message: string, status: number, code: string | undefined) {
    super(message)
    this.name = 'RequestFailed'
    this.status = status
    this.code = code
  }
}

interface Answer {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

/** Typed queries and mutations over HTTP. `url` is the `/graphql` endpoint. */
export function createRequester({ url, token }: { readonly url: string; readonly token: string }): Requester {
  return async (document, ...variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query: document.toString(), variables: variables[0] }),
    })
    const answer = (await response.json()) as Answer
    const error = answer.errors?.[0]
    if (error !== undefined) throw new RequestFailed(error.message, response.status, error.extensions?.code)
    return answer.data as never
  }
}
