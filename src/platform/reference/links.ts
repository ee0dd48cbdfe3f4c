import { type GraphQLType, isListType, isNonNullType } from 'graphql'
import { type Html, html } from '../lib/html.ts'
import { type Entry, hrefOf } from './places.ts'

/** Turns names in texts and types into links to their pages. */
export interface Links {
  /** `[Deal!]!`, its name a link. */
  type(type: GraphQLType): Html
  /** A type by its name. */
  name(name: string): Html
  /** A description: what stands in backticks is code, and a link where it names a type or one of its fields. */
  text(description: string): Html[]
}

export function createLinks(entries: readonly Entry[]): Links {
  const types = new Map(entries.flatMap((entry) => ('type' in entry ? [[entry.name, entry] as const] : [])))

  const link = (name: string, shown = name, part?: string): Html => {
    const entry = types.get(name)
    if (entry === undefined) return html`${shown}`
    return html`<a href="${hrefOf(entry)}${part === undefined ? '' : `#${part}`}">${shown}</a>`
  }

  const type: Links['type'] = (given) => {
    if (isNonNullType(given)) return html`${type(given.ofType)}!`
    if (isListType(given)) return html`[${type(given.ofType)}]`
    return link(given.name)
  }

  const code = (text: string): Html => {
    const [, name = '', part] = /^(\w+)(?:\.(\w+))?$/.exec(text) ?? []
    const entry = types.get(name)
    // A lone capitalised word is a type only where there is one; a part only where the type has it.
    const known = entry !== undefined && (part === undefined || hasPart(entry, part))
    return html`<code>${known ? link(name, text, part) : text}</code>`
  }

  return {
    type,
    name: (name) => link(name),
    text: (description) =>
      description
        .split(/(`[^`]+`)/)
        .map((piece) => (/^`.+`$/s.test(piece) ? code(piece.slice(1, -1)) : html`${piece}`)),
  }
}

function hasPart(entry: Entry, part: string): boolean {
  if (!('type' in entry)) return false
  const { type } = entry
  if ('getFields' in type) return part in type.getFields()
  return 'getValues' in type && type.getValues().some(({ name }) => name === part)
}
