import { type GraphQLInputType, getNullableType, isEnumType, isInputObjectType, isListType } from 'graphql'

/**
 * A value as it stands in a document, where an enum's value has no quotes. What does not fit its type is written as the
 * JSON that it is.
 */
export function literalOf(type: GraphQLInputType, value: unknown): string {
  const inner = getNullableType(type)
  if (Array.isArray(value)) {
    const item = isListType(inner) ? inner.ofType : inner
    return `[${value.map((each) => literalOf(item, each)).join(', ')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = isInputObjectType(inner) ? inner.getFields() : {}
    const parts = Object.entries(value).map(([name, each]) => {
      const member = Object.hasOwn(members, name) ? members[name] : undefined
      return `${name}: ${member === undefined ? literalOf(inner, each) : literalOf(member.type, each)}`
    })
    return `{ ${parts.join(', ')} }`
  }
  const named = isListType(inner) ? getNullableType(inner.ofType) : inner
  if (isEnumType(named) && typeof value === 'string' && /^\w+$/.test(value)) return value
  return JSON.stringify(value) ?? 'null'
}
