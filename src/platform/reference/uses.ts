import { getNamedType, isInputObjectType, isInterfaceType, isObjectType, isUnionType } from 'graphql'
import { type Entry, hrefOf } from './places.ts'

export interface Use {
  /** `Deal.owner`, `deals(filter:)`. */
  readonly label: string
  readonly href: string
}

/** By the name of a type: where it stands. */
export type Uses = ReadonlyMap<string, readonly Use[]>

/** Where every type stands: as an answer, an argument, a field, a member. */
export function usesOf(entries: readonly Entry[]): Uses {
  const uses = new Map<string, Use[]>()
  const note = (type: { readonly name: string }, label: string, href: string): void => {
    const known = uses.get(type.name)
    if (known === undefined) uses.set(type.name, [{ label, href }])
    else known.push({ label, href })
  }
  for (const entry of entries) {
    const href = hrefOf(entry)
    if ('field' in entry) {
      note(getNamedType(entry.field.type), entry.name, href)
      for (const arg of entry.field.args) note(getNamedType(arg.type), `${entry.name}(${arg.name}:)`, href)
    } else if ('directive' in entry) {
      for (const arg of entry.directive.args) note(getNamedType(arg.type), `@${entry.name}(${arg.name}:)`, href)
    } else {
      noteType(entry.type, href, note)
    }
  }
  return uses
}

function noteType(
  type: Extract<Entry, { type: unknown }>['type'],
  href: string,
  note: (type: { readonly name: string }, label: string, href: string) => void,
): void {
  if (isUnionType(type)) for (const member of type.getTypes()) note(member, type.name, href)
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      note(getNamedType(field.type), `${type.name}.${field.name}`, `${href}#${field.name}`)
    }
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return
  for (const field of Object.values(type.getFields())) {
    const at = `${href}#${field.name}`
    note(getNamedType(field.type), `${type.name}.${field.name}`, at)
    for (const arg of field.args) note(getNamedType(arg.type), `${type.name}.${field.name}(${arg.name}:)`, at)
  }
}
