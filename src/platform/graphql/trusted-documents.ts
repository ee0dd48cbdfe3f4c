// Documents that are known before anybody asks: https://graphql.github.io/graphql-over-http/draft/ (appendix A).
//
// A client names one by its id, in `documentId` or, as Apollo does it, in `extensions.persistedQuery.sha256Hash`, or
// sends its text as ever. Where only known documents are taken (trusted documents), every other text is refused before it
// is parsed: a known one is known by its digest. What differs from one in blanks, comments or the order of its parts is that
// one as well, and only a text of the very same words and signs is parsed to find out.

import { createHash } from 'node:crypto'
import { type DocumentNode, GraphQLError, Kind, parse } from 'graphql'
import { LRUCache } from 'lru-cache'
import { createVocabulary } from './document-words.ts'
import type { OperationParameters, Refused } from './engine.ts'
import { checkDocument, checkText, type OperationLimits } from './limits.ts'
import { normalFormOf } from './normal-form.ts'

export interface TrustedDocuments {
  /** The text to work with, as the request names or brings it; nothing of it is checked but that it is known. */
  find(parameters: OperationParameters): { readonly query: string | null | undefined } | Refused
}

export interface TrustedDocumentsOptions {
  /** Texts by their ids; each also goes by `sha256:` and the digest of its text. */
  readonly known: ReadonlyMap<string, string>
  /** Whether any other text is refused. */
  readonly only: boolean
  /** Whether the schema may be asked for all the same. */
  readonly introspection: boolean
  readonly limits: OperationLimits
}

const MAX_ACCEPTED = 1_000
const BARE_DIGEST = /^[0-9a-f]{64}$/

export function createTrustedDocuments(options: TrustedDocumentsOptions): TrustedDocuments {
  const { known, only, introspection, limits } = options
  const byId = new Map<string, string>()
  const words = createVocabulary(known.values())
  const normalForms = new Set<string>()
  for (const text of known.values()) {
    byId.set(documentIdOf(text), text)
    normalForms.add(formOf(text))
  }
  for (const [id, text] of known) byId.set(id, text)
  // Texts that were found to be known ones, written otherwise: they are not parsed twice.
  const accepted = new LRUCache<string, true>({ max: MAX_ACCEPTED })

  const isKnown = (text: string): boolean => {
    if (byId.get(documentIdOf(text)) === text || accepted.has(text)) return true
    const document = introspection || words.areOfOne(text) ? documentOf(text, limits) : undefined
    if (document === undefined) return false
    const yes = normalForms.has(normalFormOf(document)) || (introspection && asksForSchemaOnly(document))
    if (yes) accepted.set(text, true)
    return yes
  }
  const isSame = (text: string, known: string): boolean => {
    if (text === known) return true
    const document = words.areOfOne(text) ? documentOf(text, limits) : undefined
    return document !== undefined && normalFormOf(document) === formOf(known)
  }
  const whole = (query: string) => (only && !isKnown(query) ? refused(UNKNOWN_TEXT) : { query })

  return {
    find: ({ query, documentId, extensions }) => {
      const text = query === null || query === undefined || query.trim() === '' ? undefined : query
      const hash = hashOf(extensions)
      const id = documentId ?? hash
      if (id === undefined || id === null) return text === undefined ? { query } : whole(text)
      if (typeof id !== 'string' || id === '') return refused('`documentId` is the id of a document: a text.')
      const document = byId.get(id) ?? (BARE_DIGEST.test(id) ? byId.get(`sha256:${id}`) : undefined)
      if (text === undefined) {
        if (document !== undefined) return { query: document }
        // The words by which Apollo's clients know that the whole text is wanted.
        return refused(hash === id && !only ? 'PersistedQueryNotFound' : `There is no document ${shown(id)} here.`)
      }
      const same =
        document === undefined
          ? documentIdOf(text) === (BARE_DIGEST.test(id) ? `sha256:${id}` : id)
          : isSame(text, document)
      return same ? whole(text) : refused(`The text in \`query\` is not that of the document ${shown(id)}.`)
    },
  }
}

const UNKNOWN_TEXT =
  'This server takes known documents only. Send the text of one, or its id as `documentId`; see TRUSTED_DOCUMENTS.'

/** `sha256:` and the digest of the text, as GraphQL over HTTP has it. */
export const documentIdOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

const refused = (message: string): Refused => ({
  errors: [new GraphQLError(message, { extensions: { code: 'INVALID_INPUT' } })],
})

const shown = (id: string): string => JSON.stringify(id.slice(0, 100))

function hashOf(extensions: OperationParameters['extensions']): unknown {
  const persisted = extensions?.persistedQuery
  if (typeof persisted !== 'object' || persisted === null) return undefined
  return 'sha256Hash' in persisted ? persisted.sha256Hash : undefined
}

const formOf = (known: string): string => normalFormOf(parse(known, { noLocation: true }))

/** What is parsed of it; undefined for what is no document, or more than anybody may send. */
function documentOf(text: string, limits: OperationLimits): DocumentNode | undefined {
  if (checkText(text, limits).length > 0) return undefined
  try {
    const document = parse(text, { maxTokens: limits.maxTokens, noLocation: true })
    return checkDocument(document, limits).length > 0 ? undefined : document
  } catch (err) {
    if (err instanceof GraphQLError) return undefined
    throw err
  }
}

const asksForSchemaOnly = ({ definitions }: DocumentNode): boolean =>
  definitions.every(
    (definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ||
      (definition.kind === Kind.OPERATION_DEFINITION &&
        definition.selectionSet.selections.every(
          (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
        )),
  )
