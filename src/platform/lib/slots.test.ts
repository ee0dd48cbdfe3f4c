import { describe, expect, it } from 'vitest'
import { Slots } from './slots.ts'

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
