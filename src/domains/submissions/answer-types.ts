import { builder } from '../../platform/graphql/builder.ts'
import { Money } from '../../platform/graphql/money.ts'
import { type MoneyValue, parseMicros } from '../../platform/lib/money.ts'
import { type Answers, type AnswerValue, answerText, type FormDefinition, type FormField } from '../forms/model.ts'

/** One answer, with the field it answers. */
export interface GivenAnswer {
  readonly field: FormField
  readonly value: AnswerValue | null
}

/** The answers of a submission in the order of the fields of the version it answered; what was left out has no value. */
export const answersOf = (definition: FormDefinition, answers: Answers): GivenAnswer[] =>
  definition.fields.map((field) => ({
    field,
    value: Object.hasOwn(answers, field.key) ? (answers[field.key] ?? null) : null,
  }))

type TypedValue =
  | { readonly type: 'TextValue'; readonly text: string }
  | { readonly type: 'NumberValue'; readonly number: number }
  | { readonly type: 'MoneyAnswer'; readonly money: MoneyValue }
  | { readonly type: 'ChoiceValue'; readonly choices: readonly string[] }
  | { readonly type: 'DateValue'; readonly date: string }
  | { readonly type: 'BooleanValue'; readonly boolean: boolean }

function typed({ field, value }: GivenAnswer): TypedValue | null {
  if (value === null) return null
  if (typeof value === 'number') return { type: 'NumberValue', number: value }
  if (typeof value === 'boolean') return { type: 'BooleanValue', boolean: value }
  if (typeof value !== 'string') {
    if (!('amount' in value)) return { type: 'ChoiceValue', choices: value }
    return { type: 'MoneyAnswer', money: { micros: parseMicros(value.amount) ?? 0n, currency: value.currency } }
  }
  if (field.kind === 'DATE') return { type: 'DateValue', date: value }
  return field.kind === 'SELECT' ? { type: 'ChoiceValue', choices: [value] } : { type: 'TextValue', text: value }
}

type ValueOf<Type extends TypedValue['type']> = Extract<TypedValue, { readonly type: Type }>

const TextValue = builder.objectRef<ValueOf<'TextValue'>>('TextValue').implement({
  description: 'A text: also an e-mail address, a phone number, a web address.',
  fields: (t) => ({ text: t.exposeString('text', { description: 'The text.' }) }),
})

const NumberValue = builder.objectRef<ValueOf<'NumberValue'>>('NumberValue').implement({
  description: 'A number.',
  fields: (t) => ({ number: t.exposeFloat('number', { description: 'The number.' }) }),
})

const MoneyAnswer = builder.objectRef<ValueOf<'MoneyAnswer'>>('MoneyValue').implement({
  description: 'An amount of money.',
  fields: (t) => ({ money: t.expose('money', { type: Money, description: 'The amount.' }) }),
})

const ChoiceValue = builder.objectRef<ValueOf<'ChoiceValue'>>('ChoiceValue').implement({
  description: 'What was chosen.',
  fields: (t) => ({
    choices: t.stringList({ description: 'The values of the options.', resolve: ({ choices }) => [...choices] }),
  }),
})

const DateValue = builder.objectRef<ValueOf<'DateValue'>>('DateValue').implement({
  description: 'A day.',
  fields: (t) => ({
    date: t.field({ type: 'Date', description: 'The day.', resolve: ({ date }) => new Date(`${date}T00:00:00Z`) }),
  }),
})

const BooleanValue = builder.objectRef<ValueOf<'BooleanValue'>>('BooleanValue').implement({
  description: 'Whether a box was ticked.',
  fields: (t) => ({ boolean: t.exposeBoolean('boolean', { description: 'Whether it was.' }) }),
})

const AnswerValueUnion = builder.unionType('AnswerValue', {
  description: 'The typed value of an answer, by the kind of its field.',
  types: [TextValue, NumberValue, MoneyAnswer, ChoiceValue, DateValue, BooleanValue],
  resolveType: (value) => (value.type === 'MoneyAnswer' ? 'MoneyValue' : value.type),
})

export const Answer = builder.objectRef<GivenAnswer>('Answer').implement({
  description: 'One answer. `text` is what a table shows; `value` is the typed value.',
  fields: (t) => ({
    key: t.string({ description: 'The stable key of its field.', resolve: ({ field }) => field.key }),
    label: t.string({ description: 'The question, as it was asked.', resolve: ({ field }) => field.label }),
    text: t.string({
      description: 'As people read it; empty where it was not answered.',
      resolve: ({ field, value }) => (value === null ? '' : answerText(field, value)),
    }),
    value: t.field({
      type: AnswerValueUnion,
      nullable: true,
      description: 'The typed value; null where it was not answered.',
      resolve: typed,
    }),
  }),
})
