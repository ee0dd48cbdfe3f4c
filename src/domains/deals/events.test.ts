import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { dealEvents } from './events.ts'

const amount = { amountMicros: '18000000000', currency: 'EUR' }

test('a new deal says its amount, where it has one, and its stage', async () => {
  const at = { stageId: 'new' }
  expect(await sentenceOf(dealEvents.created, { data: { ...at, ...amount } })).toBe(
    'MEMBER opened deal {deal 1} · €18,000.00 · {stage new}',
  )
  const withoutCurrency = { ...at, amountMicros: '1' }
  for (const data of [at, withoutCurrency]) {
    expect(await sentenceOf(dealEvents.created, { data })).toBe('MEMBER opened deal {deal 1} · {stage new}')
  }
})

test('a change of a deal names every field that changed', async () => {
  const changes = [changed('name', 'Acme'), changed('amount', null)]
  expect(await sentenceOf(dealEvents.updated, { changes })).toBe('MEMBER changed {deal 1}: name, amount')
})

test('a deal that moves says from where to where', async () => {
  const data = { from: 'new', to: 'won' }
  expect(await sentenceOf(dealEvents.stageChanged, { data })).toBe(
    'MEMBER moved {deal 1} from {stage new} to {stage won}',
  )
  expect(await sentenceOf(dealEvents.reopened, { data })).toBe('MEMBER reopened {deal 1} in {stage won}')
})

test('a deal that is won says for how much, and one that is lost why, where somebody said so', async () => {
  expect(await sentenceOf(dealEvents.won, { data: amount })).toBe('MEMBER won {deal 1} · €18,000.00')
  expect(await sentenceOf(dealEvents.won)).toBe('MEMBER won {deal 1}')
  const lost = (to: string | null) => sentenceOf(dealEvents.lost, { changes: [changed('lostReason', to)] })
  expect(await lost('too dear')).toBe('MEMBER lost {deal 1}: too dear')
  expect(await lost(null)).toBe('MEMBER lost {deal 1}')
  expect(await sentenceOf(dealEvents.lost)).toBe('MEMBER lost {deal 1}')
})
