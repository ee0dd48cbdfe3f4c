import { describe, expect, it } from 'vitest'
import { Slots, SlotsByKey } from './slots.ts'

describe('slots', () => {
  it('let in so many at a time, the others in the order they came, also after a failure', async () => {
    const slots = new Slots(2)
    const begun: number[] = []
    const finish: (() => void)[] = []
    const runs = [0, 1, 2, 3].map((n) =>
      slots.with(async () => {
        begun.push(n)
        await new Promise<void>((resolve) => finish.push(resolve))
        if (n === 0) throw new Error('failed')
        return n
      }),
    )
    const settled = Promise.allSettled(runs)
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    await turn()
    expect(begun).toEqual([0, 1])
    finish[0]?.()
    await turn()
    expect(begun).toEqual([0, 1, 2])
    for (let n = 1; n < 4; n++) {
      finish[n]?.()
      await turn()
    }
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(begun).toEqual([0, 1, 2, 3])
  })
})

describe('slots by key', () => {
  it('let in one of each key and so many of all: whoever asks for much keeps nobody else waiting', async () => {
    const slots = new SlotsByKey(2)
    const begun: string[] = []
    const finish = new Map<string, () => void>()
    const run = (name: string) =>
      slots.with(name.charAt(0), async () => {
        begun.push(name)
        await new Promise<void>((resolve) => finish.set(name, resolve))
        if (name === 'a1') throw new Error('failed')
        return name
      })
    const settled = Promise.allSettled(['a1', 'a2', 'a3', 'a4', 'b1', 'c1'].map(run))
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    await turn()
    expect(begun).toEqual(['a1', 'b1'])
    // c came before the second of a could ask.
    finish.get('a1')?.()
    await turn()
    expect(begun).toEqual(['a1', 'b1', 'c1'])
    for (const name of ['b1', 'c1', 'a2', 'a3', 'a4']) {
      finish.get(name)?.()
      await turn()
    }
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'a3', 'a4'])
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', ...Array(5).fill('fulfilled')])
    expect(await slots.with('a', async () => 'again')).toBe('again')
  })
})
