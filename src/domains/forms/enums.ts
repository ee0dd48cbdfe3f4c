import { builder } from '../../platform/graphql/builder.ts'
import { type DescribedEnum, describeEnum } from '../../platform/graphql/enum.ts'
import type { ContactField, CriterionOp, FieldKind, FormAutonomy, FormBy, FormKind, HandlerStrategy } from './model.ts'

/** The words of forms, for what the schema shows and what it takes. */

export const FormKindEnum = describeEnum<FormKind>('FormKind', 'What a form is for.', {
  MARKETING: 'To hear from many: newsletters, downloads, events.',
  SALES: 'To bring leads.',
  SUPPORT: 'To take questions and complaints.',
  BOOKING: 'To make appointments.',
  GENERAL: 'For anything else.',
})

export const FieldKindEnum = describeEnum<FieldKind>('FieldKind', 'What a field asks for.', {
  TEXT: 'One line of text; at most 1,000 characters unless the field says otherwise.',
  LONG_TEXT: 'Text of several lines; at most 10,000 characters unless the field says otherwise.',
  EMAIL: 'An e-mail address.',
  PHONE: 'A phone number with its country code, kept as E.164.',
  NUMBER: 'A number.',
  CURRENCY: 'An amount of money, in the currency of the field.',
  SELECT: 'One of the options.',
  MULTI_SELECT: 'Any of the options.',
  CHECKBOX: 'A box that is ticked or not.',
  CONSENT: 'A consent that is given or not.',
  DATE: 'A day, written YYYY-MM-DD.',
  URL: 'A web address.',
  HIDDEN: 'Text that is not asked but comes with the address of the page, such as a campaign.',
})

export const ContactFieldEnum = describeEnum<ContactField>(
  'ContactField',
  'What of a contact an answer fills in, where it is empty.',
  {
    NAME: 'The name of the person.',
    EMAIL: 'The e-mail address, by which the person is known again.',
    PHONE: 'The phone number, by which a person without an e-mail address is known again.',
    COMPANY: 'Where the person works.',
  },
)

export const CriterionOpEnum = describeEnum<CriterionOp>('CriterionOp', 'How an answer is compared.', {
  EQ: 'It is this value.',
  NOT: 'It is answered, and not this value.',
  IN: 'It is one of these values.',
  GT: 'It is greater, or later.',
  GTE: 'It is at least this, or not before.',
  LT: 'It is smaller, or earlier.',
  LTE: 'It is at most this, or not after.',
  CONTAINS: 'The text contains this, or the choices include it.',
  PRESENT: 'It is answered.',
  ABSENT: 'It is not answered.',
})

export const HandlerStrategyEnum = describeEnum<HandlerStrategy>(
  'HandlerStrategy',
  'Which of the handlers takes the next submission. Who is paused or has left is passed over.',
  {
    PRINCIPAL: 'The first, as long as there is one.',
    ROUND_ROBIN: 'One after the other.',
  },
)

/** Declared with the employees, who share it. */
export const AutonomyEnum = 'Autonomy' as unknown as DescribedEnum<FormAutonomy>

export const FormByInput = builder.inputRef<FormBy>('FormBy').implement({
  isOneOf: true,
  description: 'A form, by one of its names.',
  fields: (t) => ({
    id: t.id({ description: 'By its id.' }),
    slug: t.string({ description: 'By its part of its address, in your own workspace.' }),
    path: t.string({
      description: 'By `workspace/form`, as in its address: the only one an anonymous caller may use.',
    }),
  }),
})
