import type { InputFieldMap } from '@pothos/core'
import { builder, type Types } from '../../platform/graphql/builder.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { type FormLimit, type FormLimits, namesOfOwn, type OwnLimits } from './limits.ts'

const FormLimitEnum = describeEnum<FormLimit>('FormLimit', 'One of the limits of a form.', {
  PER_ADDRESS_PER_HOUR: 'Accepted submissions per hour from one network address.',
  PER_EMAIL_PER_HOUR: 'Accepted submissions per hour with one e-mail address.',
  MINIMUM_TIME: 'How long a person needs at least to fill in the page.',
  DUPLICATE_WINDOW: 'For how long the same answers from the same sender are one submission.',
  HONEYPOT: 'The field that people do not see.',
})

/** Limits as they are in force at one place, and which of them were set there. */
export interface ShownLimits {
  readonly inForce: FormLimits
  readonly own: OwnLimits
}

export const FormLimitsType = builder.objectRef<ShownLimits>('FormLimits').implement({
  description: 'What a form turns away. In force at once, whatever the version.',
  fields: (t) => ({
    perAddressPerHour: t.int({
      nullable: true,
      description: 'Accepted submissions per hour from one network address; null for any number.',
      resolve: ({ inForce }) => inForce.perAddressPerHour,
    }),
    perEmailPerHour: t.int({
      nullable: true,
      description: 'Accepted submissions per hour with one e-mail address; null for any number.',
      resolve: ({ inForce }) => inForce.perEmailPerHour,
    }),
    minimumTimeMs: t.int({
      description: 'How long a person needs at least to fill in the page; 0 for no time.',
      resolve: ({ inForce }) => inForce.minimumTimeMs,
    }),
    duplicateWindowMinutes: t.int({
      description: 'For how long the same answers from the same sender are one submission; 0 for never.',
      resolve: ({ inForce }) => inForce.duplicateWindowMinutes,
    }),
    honeypot: t.string({
      nullable: true,
      description: 'Name of a field that people do not see: who fills it in is a program. Null for none.',
      resolve: ({ inForce }) => inForce.honeypot,
    }),
    own: t.field({
      type: [FormLimitEnum],
      description:
        'Which of them were set here: of a form, by the form itself, where the others are as its workspace has set them; of a ' +
        'workspace, by the workspace, where the others are the server’s.',
      resolve: ({ own }) => namesOfOwn(own),
    }),
  }),
})

type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

const limitInputs = (t: InputFields) => ({
  perAddressPerHour: t.int({
    description: 'Accepted submissions per hour from one network address, up to 10,000; null for any number.',
  }),
  perEmailPerHour: t.int({
    description: 'Accepted submissions per hour with one e-mail address, up to 10,000; null for any number.',
  }),
  minimumTimeMs: t.int({
    description: 'How long a person needs at least to fill in the page, up to 60,000; 0 for no time.',
  }),
  duplicateWindowMinutes: t.int({
    description: 'For how long the same answers from the same sender are one submission, up to 1,440; 0 for never.',
  }),
  honeypot: t.string({ description: 'Name of a field that people do not see; null for none.' }),
})

export const FormLimitsInput = builder.inputType('FormLimitsInput', {
  description:
    'What a form turns away. What is left out stays as it is; in a new form it is as the workspace has set it.',
  fields: (t): InputFieldMap => ({
    ...limitInputs(t),
    reset: t.field({
      type: [FormLimitEnum],
      description:
        'Limits that the form no longer has of its own: they are as the workspace has set them, from now on.',
    }),
  }),
})

export const FormLimitDefaultsInput = builder.inputType('FormLimitDefaultsInput', {
  description: 'What forms turn away that say nothing else. What is left out is as the server has it.',
  fields: limitInputs,
})
