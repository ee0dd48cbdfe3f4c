import { describe, expect, it } from 'vitest'
import { createNames } from './names.ts'

const loader = (known: Record<string, string>) => {
  const asked: (readonly string[])[] = []
  const load = async (ids: readonly string[]) => {
    asked.push(ids)
    return new Map(ids.flatMap((id) => (known[id] === undefined ? [] : [[id, known[id]] as const])))
  }
  return { load, asked }
}

describe('names', () => {
  it('that are asked for together are looked up together, each once', async () => {
    const deals = loader({ a: 'Acme renewal', b: 'Globex pilot' })
    const names = createNames({ deal: deals.load })
    const got = await Promise.all([names.of('deal', 'a'), names.of('deal', 'b'), names.of('deal', 'a')])
    expect(got).toEqual(['Acme renewal', 'Globex pilot', 'Acme renewal'])
    expect(await names.of('deal', 'a')).toBe('Acme renewal')
    expect(deals.asked).toEqual([['a', 'b']])
  })

  it('of things that are gone, or have none, are their kind', async () => {
    const names = createNames({ deal: loader({}).load })
    expect(await names.of('deal', 'a')).toBe('a deal')
    expect(await names.of('employee', 'a')).toBe('an employee')
    expect(await names.of('inbox_message', 'a')).toBe('an inbox message')
    expect(await names.of('api_key', 'a')).toBe('an API key')
  })

  it('of actors begin a sentence', async () => {
    const names = createNames({
      employee: loader({ e: 'Ava' }).load,
      member: loader({}).load,
      api_key: loader({ k: 'Demo key' }).load,
    })
    expect(await names.actor({ kind: 'EMPLOYEE', id: 'e' })).toBe('Ava')
    expect(await names.actor({ kind: 'API_KEY', id: 'k' })).toBe('Demo key')
    expect(await names.actor({ kind: 'MEMBER', id: 'gone' })).toBe('A member')
    expect(await names.actor({ kind: 'EMPLOYEE' })).toBe('An employee')
    expect(await names.actor({ kind: 'VISITOR' })).toBe('A visitor')
    expect(await names.actor({ kind: 'SYSTEM' })).toBe('Cadre')
  })
})
