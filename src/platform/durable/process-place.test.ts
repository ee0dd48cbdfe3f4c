import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isProvablyGone, placeOfThisProcess } from './process-place.ts'

const here = placeOfThisProcess()

test('a process that runs is not provably gone', () => {
  expect(isProvablyGone(here, here)).toBe(false)
})

test('a process that ended is, and so is one whose pid belongs to another now', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  expect(isProvablyGone({ ...here, pid: child.pid ?? 0 }, here)).toBe(true)
  expect(isProvablyGone({ ...here, pidStart: `${here.pidStart}0` }, here)).toBe(true)
})

test('nothing can be said about a process of another host, another boot or another group of processes', () => {
  const gone = { ...here, pid: 2 ** 30 }
  expect(isProvablyGone(gone, here)).toBe(true)
  expect(isProvablyGone({ ...gone, host: 'elsewhere' }, here)).toBe(false)
  expect(isProvablyGone({ ...gone, bootId: 'another' }, here)).toBe(false)
  expect(isProvablyGone({ ...gone, bootId: '' }, { ...here, bootId: '' })).toBe(false)
})
