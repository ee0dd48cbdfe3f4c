import type { CreateFormInput } from '../domains/forms/model.ts'

// Who decides or earns in a company, as people call themselves.
const DECIDERS = [
  'Working Professional',
  'Businessman',
  'Owner',
  'Founder',
  'Partner',
  'Managing Director',
  'Head of Operations',
  'Head of Sales',
  'CEO',
  'CTO',
  'CFO',
  'COO',
  'Sales Manager',
  'Practice Manager',
]

/** The form of the demo workspace. Only the e-mail is asked for; limits by address and time are off, for a demo's haste. */
export const demoForm = {
  name: 'Book a demo',
  slug: 'book-a-demo',
  kind: 'SALES',
  autonomy: 'AUTONOMOUS',
  limits: { perAddressPerHour: null, perEmailPerHour: null, minimumTimeMs: 0, duplicateWindowMinutes: 0 },
  fields: [
    { key: 'email', kind: 'EMAIL', label: 'E-mail', help: '', required: true, contactField: 'EMAIL' },
    { key: 'name', kind: 'TEXT', label: 'Name', help: '', required: false, maxLength: 255, contactField: 'NAME' },
    {
      key: 'company',
      kind: 'TEXT',
      label: 'Company',
      help: '',
      required: false,
      maxLength: 255,
      contactField: 'COMPANY',
    },
    {
      key: 'phone',
      kind: 'PHONE',
      label: 'Phone',
      help: 'With the country code, as in +43 1 234567.',
      required: false,
      contactField: 'PHONE',
    },
    {
      key: 'occupation',
      kind: 'TEXT',
      label: 'What is your current occupation',
      help: '',
      required: false,
      maxLength: 255,
    },
    { key: 'city', kind: 'TEXT', label: 'City', help: '', required: false, maxLength: 255 },
    {
      key: 'budget',
      kind: 'CURRENCY',
      label: 'Budget',
      help: 'Per year, roughly.',
      required: false,
      min: 0,
      currency: 'EUR',
    },
    { key: 'call_me', kind: 'CHECKBOX', label: 'Please call me', help: '', required: false },
    {
      key: 'message',
      kind: 'LONG_TEXT',
      label: 'What would you like to see?',
      help: '',
      required: false,
      maxLength: 5_000,
    },
  ],
  instructions:
    'Qualify the lead. When it fits, open a deal in the first stage and thank the person by e-mail, by name, in three sentences.',
  criteria: {
    conditions: [
      { field: 'occupation', op: 'IN', value: DECIDERS, weight: 3, label: 'decides or earns in a company' },
      { field: 'company', op: 'PRESENT', weight: 1, label: 'says which company it is for' },
      { field: 'budget', op: 'GTE', value: 5_000, weight: 1, label: 'has a budget of 5,000 or more' },
    ],
    text: 'Somebody who could decide to buy, or earns money with what we would show.',
    threshold: 0.6,
  },
  response: { message: 'Somebody from our team gets back to you today.' },
  requestedTools: ['send_email'],
} as const satisfies Omit<CreateFormInput, 'handlers' | 'pipeline'>
