import { builder } from '../../platform/graphql/builder.ts'
import { ContactFieldEnum, CriterionOpEnum, FieldKindEnum } from './enums.ts'
import type { CriterionCondition, FieldOption, FormCriteria, FormDefinition, FormField, FormResponse } from './model.ts'

const FormOption = builder.objectRef<FieldOption>('FormOption').implement({
  description: 'One of the answers that a choice offers.',
  fields: (t) => ({
    value: t.exposeString('value', { description: 'What is stored and sent.' }),
    label: t.exposeString('label', { description: 'What people read.' }),
  }),
})

const FormFieldType = builder.objectRef<FormField>('FormField').implement({
  description: 'One thing that a form asks.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Its stable name, the same in every version: answers go by it.' }),
    kind: t.expose('kind', { type: FieldKindEnum, description: 'What it asks for.' }),
    label: t.exposeString('label', { description: 'The question.' }),
    help: t.exposeString('help', { description: 'A hint beside it; empty for none.' }),
    required: t.exposeBoolean('required', { description: 'Whether it must be answered; of a box, ticked.' }),
    min: t.exposeFloat('min', { nullable: true, description: 'The smallest number or amount.' }),
    max: t.exposeFloat('max', { nullable: true, description: 'The greatest number or amount.' }),
    minLength: t.exposeInt('minLength', { nullable: true, description: 'The fewest characters of a text.' }),
    maxLength: t.exposeInt('maxLength', { nullable: true, description: 'The most characters of a text.' }),
    options: t.field({
      type: [FormOption],
      description: 'What a choice offers, in order; none for other kinds.',
      resolve: ({ options }) => [...(options ?? [])],
    }),
    currency: t.field({
      type: 'CurrencyCode',
      nullable: true,
      description: 'The currency of an amount.',
      resolve: ({ currency }) => currency ?? null,
    }),
    contactField: t.field({
      type: ContactFieldEnum,
      nullable: true,
      description:
        'What of the contact it fills in. Where no field says so, the first e-mail and phone field do, and the fields ' +
        'with the keys `name` (or `first_name` and `last_name`) and `company`.',
      resolve: ({ contactField }) => contactField ?? null,
    }),
  }),
})

const Criterion = builder.objectRef<CriterionCondition>('Criterion').implement({
  description: 'A condition on one answer, with its share of the fit.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'The key of the field it looks at.' }),
    op: t.expose('op', { type: CriterionOpEnum, description: 'How the answer is compared.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it is compared with: a list for IN, nothing for PRESENT and ABSENT.',
      resolve: ({ value }) => value ?? null,
    }),
    weight: t.exposeFloat('weight', { description: 'Its share of the fit, relative to the others.' }),
    label: t.exposeString('label', { description: 'The condition in a person’s words; may be empty.' }),
  }),
})

const FormCriteriaType = builder.objectRef<FormCriteria>('FormCriteria').implement({
  description: 'When a submission is worth going on with.',
  fields: (t) => ({
    conditions: t.field({
      type: [Criterion],
      description: 'Conditions on answers.',
      resolve: ({ conditions }) => [...conditions],
    }),
    text: t.exposeString('text', { description: 'What the conditions cannot say, for whoever judges.' }),
    threshold: t.exposeFloat('threshold', {
      description: 'From this share of the weights on a submission counts as qualified, 0 to 1.',
    }),
  }),
})

const FormResponseType = builder.objectRef<FormResponse>('FormResponse').implement({
  description: 'What the sender sees afterwards: a message or another page.',
  fields: (t) => ({
    message: t.string({
      nullable: true,
      description: 'The message on the form’s own thank-you page.',
      resolve: ({ message }) => message ?? null,
    }),
    redirectUrl: t.field({
      type: 'URL',
      nullable: true,
      description: 'The page it is led to.',
      resolve: ({ redirectUrl }) => redirectUrl ?? null,
    }),
  }),
})

export const FormDefinitionType = builder.objectRef<FormDefinition>('FormDefinition').implement({
  description: 'What a form asks, and what is done with the answers.',
  fields: (t) => ({
    fields: t.field({
      type: [FormFieldType],
      description: 'What it asks, in order.',
      resolve: ({ fields }) => [...fields],
    }),
    instructions: t.exposeString('instructions', {
      description: 'What the employee who takes a submission is to do with it.',
    }),
    criteria: t.expose('criteria', { type: FormCriteriaType, description: 'When a submission is qualified.' }),
    response: t.expose('response', { type: FormResponseType, description: 'What the sender sees afterwards.' }),
    requestedTools: t.stringList({
      description: 'Tools to be used for every qualified submission, such as `send_email`.',
      resolve: ({ requestedTools }) => [...requestedTools],
    }),
  }),
})
