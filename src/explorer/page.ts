// What GraphiQL opens with. Tried facts of its page: it takes `query` from the address by itself and nothing else from
// there; tabs that a browser has stored come before `defaultTabs`, and a linked operation becomes one more tab then, with
// the variables and headers of the options; the first look at the schema uses `headers`.

import { Kind, parse } from 'graphql'
import type { Identity } from '../platform/auth/authenticate.ts'
import type { GraphiqlPage } from '../platform/graphql/graphiql.ts'
import { type Example, examples, type Newest } from './examples.ts'

export interface ExplorerOptions {
  /** The key that the page carries for who sits at this machine; none unless given. */
  readonly key?: string | undefined
  /** What the workspace has newest, by its id or by a key to it; asked for when a page is opened that is signed in. */
  readonly newest: (of: { readonly workspaceId: string } | { readonly key: string }) => Promise<Newest>
}

/** GraphiQL with the examples as tabs, signed in where it may be, and with the operation of the address before them. */
export function explorerPage({ key, newest }: ExplorerOptions): GraphiqlPage {
  return async ({ isHere, session, url }) => {
    const carried = isHere && session === undefined ? key : undefined
    const of = session === undefined ? carried && { key: carried } : workspaceOf(session)
    const found = of ? await newest(of) : {}
    const headers = headersWith(carried, session)
    const tab = ({ query, variables }: Example) => {
      const given = variables(found)
      if (given === null) return []
      return [
        {
          query,
          ...(given === undefined ? {} : { variables: jsonOf(given) }),
          ...(headers === undefined ? {} : { headers }),
        },
      ]
    }
    const linked = url.searchParams.get('query')
    const example = examples.find(({ query }) => query === linked)
    const others = examples.filter((each) => each !== example)
    const variables = linked === null ? undefined : variablesFor(linked, url, example?.variables(found))
    const first =
      linked === null
        ? []
        : [
            {
              query: linked,
              ...(variables === undefined ? {} : { variables }),
              ...(headers === undefined ? {} : { headers }),
            },
          ]
    return {
      // `initialHeaders` goes with a linked operation, which takes what the browser stored otherwise.
      ...(headers === undefined ? {} : { headers, initialHeaders: headers }),
      ...(variables === undefined ? {} : { variables }),
      // The options stand in a script. Without a list the page takes the operation from the address by itself.
      ...(linked?.includes('<') === true ? {} : { defaultTabs: [...first, ...others.flatMap(tab)] }),
    }
  }
}

const workspaceOf = ({ workspaceId }: Identity) => workspaceId !== undefined && { workspaceId }

/** A person's own cookie goes with what the page sends. A key that their browser has stored would come before it. */
function headersWith(key: string | undefined, session: Identity | undefined): string | undefined {
  if (key !== undefined) return JSON.stringify({ authorization: `Bearer ${key}` }, null, 2)
  return session === undefined ? undefined : '{}'
}

/**
 * The address's variables where they are the operation's. They may be left of another one: the page notes in the address
 * which operation is looked at, and leaves the variables as they were. Empty keeps out what the browser has stored.
 */
function variablesFor(query: string, url: URL, otherwise: object | null | undefined): string {
  const given = readObject(url.searchParams.get('variables'))
  const declared = declaredVariables(query)
  if (given !== undefined && Object.keys(given).every((name) => declared.has(name))) return jsonOf(given)
  return otherwise === undefined || otherwise === null ? '' : jsonOf(otherwise)
}

function readObject(text: string | null): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function declaredVariables(query: string): ReadonlySet<string> {
  try {
    const { definitions } = parse(query, { maxTokens: 2_000 })
    return new Set(
      definitions.flatMap((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION
          ? (definition.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
          : [],
      ),
    )
  } catch {
    return new Set()
  }
}

/** Options stand in a script of the page: text that comes from the address must not be able to end it. */
const jsonOf = (value: object): string => JSON.stringify(value, null, 2).replaceAll('<', '\\u003c')
