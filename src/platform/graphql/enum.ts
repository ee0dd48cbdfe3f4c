import { builder, type Types } from './builder.ts'

export type DescribedEnum<Value extends string> = PothosSchemaTypes.EnumRef<Types, string, Value>

/**
 * A GraphQL enum of a union of words, each with its description: a word without one does not compile. Columns hold the
 * words as text (a CHECK keeps them right), so they are exposed as they are: `t.expose('status', { type: RunStatus })`.
 *
 * ```ts
 * export const StageKind = describeEnum<model.StageKind>('StageKind', 'What a stage means for its deals.', {
 *   OPEN: 'Still being worked on.',
 *   WON: 'The customer said yes.',
 *   LOST: 'The customer said no.',
 * })
 * ```
 */
export function describeEnum<Value extends string>(
  name: string,
  description: string,
  values: Readonly<Record<Value, string>>,
): DescribedEnum<Value> {
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(
      Object.entries<string>(values).map(([value, text]) => [value, { value, description: text }]),
    ),
  }) as unknown as DescribedEnum<Value>
}
