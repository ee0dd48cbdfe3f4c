import { describe, expect, it } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { Alarm } from './alarm.ts'

const HOUR_MS = 3_600_000

describe('an alarm', () => {
  it('ends a wait when it rings', async () => {
    const alarm = new Alarm()
    const waiting = alarm.wait(systemClock, HOUR_MS)
    alarm.ring()
    expect(await waiting).toBe(true)
  })

  it('that rang while nobody waited ends the next wait, and that one only', async () => {
    const alarm = new Alarm()
    alarm.ring()
    alarm.ring()
    expect(await alarm.wait(systemClock, HOUR_MS)).toBe(true)
    expect(await alarm.wait(systemClock, 1)).toBe(false)
  })

  it('is not taken for a ring when the clock fails, and rings as before', async () => {
    const alarm = new Alarm()
    const broken = { ...systemClock, sleep: () => Promise.reject(new Error('no timers')) }
    await expect(alarm.wait(broken, HOUR_MS)).rejects.toThrow('no timers')
    const waiting = alarm.wait(systemClock, HOUR_MS)
    alarm.ring()
    expect(await waiting).toBe(true)
  })
})
