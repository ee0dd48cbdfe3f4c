// Who asks, what, and what comes back.

export interface Answer {
  readonly status: number
  /** As it came. */
  readonly text: string
  readonly data: unknown
  readonly errors: readonly ErrorAnswer[]
  /** Behind the door that keeps nothing: whether there was something to be kept. Asked for one call at a time. */
  readonly changes?: boolean
}

interface ErrorAnswer {
  readonly message: string
  readonly path?: readonly unknown[]
  readonly extensions?: Readonly<Record<string, unknown>>
}

export interface Request {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

/** Items as they come, or why there are none. */
export type Stream = { readonly items: AsyncGenerator<Answer> } | { readonly refused: Answer }

/** Who asks. `dry` goes through the door that keeps nothing; a subscription past the wire: there one can tell silence. */
export interface Asker {
  readonly authorization: string | undefined
  ask(request: Request): Promise<Answer>
  dry(request: Request): Promise<Answer>
  subscribe(request: Request): Promise<Stream>
  /** Past the wire: what is returned starts the operation in the tick in which it is called. */
  ready(request: Request): Promise<() => Promise<Answer>>
}

/** What an engine tells, as if it had come over the wire. */
export const asAnswer = (result: unknown): Answer => {
  const text = JSON.stringify(result)
  const { data = null, errors = [] } = JSON.parse(text) as Partial<Answer>
  return { status: 200, text, data, errors }
}

/** By hand and not as a generator: one that waits for its source cannot be returned before the source speaks. */
export function answersOf(results: AsyncGenerator<unknown>): AsyncGenerator<Answer> {
  const wrap = ({ done, value }: IteratorResult<unknown>): IteratorResult<Answer> =>
    done === true ? { done, value: undefined } : { done: false, value: asAnswer(value) }
  return {
    next: async () => wrap(await results.next()),
    return: async () => wrap(await results.return(undefined)),
    throw: async (err) => wrap(await results.throw(err)),
    [Symbol.asyncIterator]() {
      return this
    },
  } as AsyncGenerator<Answer>
}

/** An operation over HTTP. */
export async function post(
  url: string,
  authorization: string | undefined,
  { query, variables = {}, headers = {} }: Request,
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  })
  const text = await response.text()
  const { data = null, errors = [] } = JSON.parse(text) as Partial<Answer>
  return { status: response.status, text, data, errors }
}
