import { describe, expect, it } from 'vitest'
import { storedEvent } from '../../../test/support/stored-event.ts'
import { defineEvents, type EventType, type Names, type StoredEvent } from './event.ts'
import { createEventTypes, detailName, enumName } from './registry.ts'

const typeOf = (type: string): EventType => ({
  type,
  description: 'Something happened.',
  subject: 'deal',
  summary: async (event, names) => `${await names.actor(event.actor)} did ${event.type}`,
})

const names: Names = { of: async () => 'Acme', actor: async () => 'Ava' }

const event = (type: string): StoredEvent => storedEvent({ type, actor: { kind: 'SYSTEM' } })

describe('the types of events', () => {
  it('have one name in the log, one in the enum and one for their details', () => {
    expect(enumName('deal.stage_changed')).toBe('DEAL_STAGE_CHANGED')
    expect(detailName('deal.stage_changed')).toBe('DealStageChanged')
    expect(enumName('inbox.message_sent')).toBe('INBOX_MESSAGE_SENT')
    expect(detailName('budget.exhausted')).toBe('BudgetExhausted')
  })

  it('are found by either name, over all domains', () => {
    const deals = defineEvents({ won: typeOf('deal.won'), lost: typeOf('deal.lost') })
    const types = createEventTypes([deals, defineEvents({ created: typeOf('contact.created') })])
    expect(types.all.map(({ type }) => type)).toEqual(['contact.created', 'deal.lost', 'deal.won'])
    expect(types.find('deal.won')).toBe(deals.won)
    expect(types.findByEnumName('DEAL_LOST')).toBe(deals.lost)
    expect(types.find('deal.eaten')).toBeUndefined()
    expect(types.findByEnumName('DEAL_EATEN')).toBeUndefined()
  })

  it('are refused when two claim one name, in the log or in the enum, or when a name is malformed', () => {
    const define = (...types: string[]) => createEventTypes(types.map((type) => ({ one: typeOf(type) })))
    expect(() => define('deal.won', 'deal.won')).toThrow('defined twice')
    expect(() => define('inbox.message_sent', 'inbox_message.sent')).toThrow('defined twice')
    for (const type of ['deal', 'Deal.won', 'deal.won.again', 'deal._won', 'deal.']) {
      expect(() => define(type)).toThrow('not of the form')
    }
  })

  it('summarise their events with today’s names, and one that a newer process wrote in neutral words', async () => {
    const types = createEventTypes([{ won: typeOf('deal.won') }])
    expect(await types.summarize(event('deal.won'), names)).toBe('Ava did deal.won')
    expect(await types.summarize(event('voice_call.picked_up'), names)).toBe('Voice call picked up')
  })
})
