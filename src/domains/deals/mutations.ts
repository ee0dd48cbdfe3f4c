import { builder } from '../../platform/graphql/builder.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { nodeField } from '../../platform/graphql/node-field.ts'
import { createDealInput, moveDealInput, reopenDealInput, updateDealInput } from './model.ts'
import { createDeal, moveDeal, reopenDeal, updateDeal } from './service.ts'

const MoneyInput = builder.inputType('MoneyInput', {
  description: 'An amount of money.',
  fields: (t) => ({
    amount: t.field({ type: 'Decimal', required: true, description: 'The exact amount: `"18000.50"`.' }),
    currency: t.field({
      type: 'CurrencyCode',
      description: 'Its currency; the one it had, or the workspace’s, unless told.',
    }),
  }),
})

const payload = nodeField('Deal', 'The deal as it is now.', ({ dealId }: { dealId: string }) => dealId)
const outcome = ({ id }: { readonly id: string }) => ({ dealId: id })

const ID = 'The deal.'
const IF_VERSION = 'Refuse when it is not at this version.'
const AMOUNT = 'What it is worth.'
const CONTACT = 'The person it is with.'
const OWNER = 'The employee or member who looks after it.'
const EXPECTED_CLOSE = 'When it is expected to be decided.'
const NEXT_STEP = 'What is to be done next; 500 characters at most.'

mutation('createDeal', {
  description: 'Opens a deal.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like: sending twice makes one.' }),
    name: t.string({ required: true, description: 'What people call it.' }),
    stage: t.id({ required: true, description: 'Where it begins: a stage that is OPEN.' }),
    amount: t.field({ type: MoneyInput, description: AMOUNT }),
    submission: t.id({ description: 'The submission that it comes of; a submission has one deal.' }),
    contact: t.id({ description: `${CONTACT} Without one, whoever sent the submission.` }),
    owner: t.id({ description: OWNER }),
    expectedCloseOn: t.field({ type: 'Date', description: EXPECTED_CLOSE }),
    nextStep: t.string({ description: NEXT_STEP }),
  }),
  parse: createDealInput,
  verb: async (tx, input) => outcome(await createDeal(tx, input)),
  payload: (t) => ({ deal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('updateDeal', {
  description: 'Changes what is known of a deal. What is left out stays as it is, null clears.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: ID }),
    ifVersion: t.int({ description: IF_VERSION }),
    name: t.string({ description: 'What people call it. Cannot be cleared.' }),
    amount: t.field({ type: MoneyInput, description: `${AMOUNT} A deal that is won keeps one.` }),
    contact: t.id({ description: CONTACT }),
    owner: t.id({ description: OWNER }),
    expectedCloseOn: t.field({ type: 'Date', description: EXPECTED_CLOSE }),
    nextStep: t.string({ description: NEXT_STEP }),
  }),
  parse: updateDealInput,
  verb: async (tx, input) => outcome(await updateDeal(tx, input)),
  payload: (t) => ({ deal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('moveDeal', {
  description:
    'Moves an open deal to another stage of its pipeline. Winning needs an amount, losing a reason; a closed deal is reopened first.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: ID }),
    ifVersion: t.int({ description: IF_VERSION }),
    stage: t.id({ required: true, description: 'Where it goes.' }),
    lostReason: t.string({ description: 'Why it is lost; needed for a stage that is LOST.' }),
  }),
  parse: moveDealInput,
  verb: async (tx, input) => outcome(await moveDeal(tx, input)),
  payload: (t) => ({ deal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('reopenDeal', {
  description: 'Opens a deal again that was won or lost.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: ID }),
    ifVersion: t.int({ description: IF_VERSION }),
    stage: t.id({ description: 'Where it goes on; the first OPEN stage of its pipeline unless told.' }),
  }),
  parse: reopenDealInput,
  verb: async (tx, input) => outcome(await reopenDeal(tx, input)),
  payload: (t) => ({ deal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})
