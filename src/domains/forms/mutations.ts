import type { z } from 'zod'
import type { Tx } from '../../platform/db/transaction.ts'
import { builder, type Types } from '../../platform/graphql/builder.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { nodeField } from '../../platform/graphql/node-field.ts'
import {
  AutonomyEnum,
  ContactFieldEnum,
  CriterionOpEnum,
  FieldKindEnum,
  FormKindEnum,
  HandlerStrategyEnum,
} from './enums.ts'
import { FormLimitsInput } from './limit-types.ts'
import { createFormInput, decideFormInput, updateFormInput } from './model.ts'
import { archiveForm, createForm, pauseForm, publishForm, resumeForm, updateForm } from './service.ts'

// ------------------------------------------------------------------ inputs

const FormOptionInput = builder.inputType('FormOptionInput', {
  description: 'One of the answers that a choice offers.',
  fields: (t) => ({
    value: t.string({ required: true, description: 'What is stored and sent.' }),
    label: t.string({ required: true, description: 'What people read.' }),
  }),
})

const FormFieldInput = builder.inputType('FormFieldInput', {
  description: 'One thing that a form asks.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: 'Its stable name: a letter, then letters, digits and underscores; 64 at most.',
    }),
    kind: t.field({ type: FieldKindEnum, required: true, description: 'What it asks for.' }),
    label: t.string({ required: true, description: 'The question; 255 characters at most.' }),
    help: t.string({ description: 'A hint beside it; 1,000 characters at most.' }),
    required: t.boolean({ description: 'Whether it must be answered; of a box, ticked. Not unless told.' }),
    min: t.float({ description: 'The smallest number, or amount (0 unless told).' }),
    max: t.float({ description: 'The greatest number or amount.' }),
    minLength: t.int({ description: 'The fewest characters of a text.' }),
    maxLength: t.int({ description: 'The most characters of a text; 20,000 at most.' }),
    options: t.field({ type: [FormOptionInput], description: 'What a choice offers, in order; 200 at most.' }),
    currency: t.field({ type: 'CurrencyCode', description: 'The currency of an amount; needed for one.' }),
    contactField: t.field({ type: ContactFieldEnum, description: 'What of the contact it fills in.' }),
  }),
})

const CriterionInput = builder.inputType('CriterionInput', {
  description: 'A condition on one answer.',
  fields: (t) => ({
    field: t.string({ required: true, description: 'The key of the field it looks at.' }),
    op: t.field({ type: CriterionOpEnum, required: true, description: 'How the answer is compared.' }),
    value: t.field({
      type: 'JSON',
      description: 'What it is compared with: a list for IN, nothing for PRESENT and ABSENT.',
    }),
    weight: t.float({ description: 'Its share of the fit, relative to the others; 1 unless told.' }),
    label: t.string({ description: 'The condition in a person’s words.' }),
  }),
})

const FormCriteriaInput = builder.inputType('FormCriteriaInput', {
  description: 'When a submission is worth going on with.',
  fields: (t) => ({
    conditions: t.field({ type: [CriterionInput], description: 'Conditions on answers; 50 at most.' }),
    text: t.string({ description: 'What the conditions cannot say; 5,000 characters at most.' }),
    threshold: t.float({ description: 'From this share of the weights on it is qualified, 0 to 1; 0.6 unless told.' }),
  }),
})

const FormResponseInput = builder.inputType('FormResponseInput', {
  description: 'What the sender sees afterwards.',
  isOneOf: true,
  fields: (t) => ({
    message: t.string({ description: 'A message on the form’s own thank-you page.' }),
    redirectUrl: t.field({ type: 'URL', description: 'Another page, http or https.' }),
  }),
})

const FormHandlersInput = builder.inputType('FormHandlersInput', {
  description: 'Who takes what a form brings.',
  fields: (t) => ({
    strategy: t.field({ type: HandlerStrategyEnum, required: true, description: 'How the next one is picked.' }),
    employees: t.idList({ required: true, description: 'The employees, in their order; 1 to 50.' }),
  }),
})

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** What a form is made of, in a create and in an update. */
const parts = (t: InputBuilder) => ({
  slug: t.string({ description: 'Its part of its address: small letters, digits and single hyphens; 63 at most.' }),
  kind: t.field({ type: FormKindEnum, description: 'What it is for; GENERAL unless told.' }),
  handlers: t.field({ type: FormHandlersInput, description: 'Who takes what it brings; null for nobody.' }),
  pipeline: t.id({ description: 'Where deals begin that come of its submissions; null for nowhere.' }),
  autonomy: t.field({ type: AutonomyEnum, description: 'How far employees go with what it brings.' }),
  limits: t.field({ type: FormLimitsInput, description: 'What it turns away.' }),
  fields: t.field({ type: [FormFieldInput], description: 'What it asks, in order; 50 at most.' }),
  instructions: t.string({ description: 'What is to be done with a submission; 20,000 characters at most.' }),
  criteria: t.field({ type: FormCriteriaInput, description: 'When a submission is qualified.' }),
  response: t.field({ type: FormResponseInput, description: 'What the sender sees afterwards.' }),
  requestedTools: t.stringList({ description: 'Tools to be used for every qualified submission; 10 at most.' }),
})

// ------------------------------------------------------------------ mutations

const outcome = ({ id }: { readonly id: string }) => ({ formId: id })
const payload = nodeField('Form', 'The form as it is now.', ({ formId }: { formId: string }) => formId)

mutation('createForm', {
  description: 'Makes a form, as a draft: it takes nothing until it is published.',
  permission: 'FORMS_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like: sending twice makes one.' }),
    name: t.string({ required: true, description: 'Its name, shown as the heading of its page; 2 to 255 characters.' }),
    ...parts(t),
  }),
  parse: createFormInput,
  verb: async (tx, input) => outcome(await createForm(tx, input)),
  payload: (t) => ({ form: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('updateForm', {
  description:
    'Changes a form. Fields, instructions, criteria, response and requested tools change its draft and wait for the ' +
    'next publishing; everything else is in force at once. What is left out stays as it is, null clears.',
  permission: 'FORMS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The form.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    name: t.string({ description: 'Its name, shown as the heading of its page. Cannot be cleared.' }),
    ...parts(t),
  }),
  parse: updateFormInput,
  verb: async (tx, input) => outcome(await updateForm(tx, input)),
  payload: (t) => ({ form: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

type DecideFormInput = z.output<typeof decideFormInput>

/** The mutations that take nothing but the form. */
function decision(
  name: string,
  description: string,
  verb: (tx: Tx, input: DecideFormInput) => Promise<{ readonly id: string }>,
): void {
  mutation(name, {
    description,
    permission: 'FORMS_WRITE',
    input: (t) => ({
      id: t.id({ required: true, description: 'The form.' }),
      ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    }),
    parse: decideFormInput,
    verb: async (tx, input) => outcome(await verb(tx, input)),
    payload: (t) => ({ form: t.field(payload) }),
    errors: ['NOT_FOUND'],
  })
}

decision(
  'publishForm',
  'Makes the draft the next version, which new submissions answer from now on; none where it is published as it is. A form that was a draft opens; one that is paused stays so.',
  publishForm,
)
decision('pauseForm', 'Lets a form take no submissions for the time being.', pauseForm)
decision('resumeForm', 'Lets a paused form take submissions again.', resumeForm)
decision('archiveForm', 'Closes a form for good. What it brought stays.', archiveForm)
