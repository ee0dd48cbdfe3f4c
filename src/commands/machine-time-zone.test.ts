import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MODULE = new URL('machine-time-zone.ts', import.meta.url).href

test.each([
  ['Asia/Tokyo', 'Asia/Tokyo'],
  [':/etc/localtime', 'UTC'],
  ['UTC+3', 'UTC'],
  ['', 'UTC'],
])('a machine set to %j lives in %s', (TZ, zone) => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', `console.log((await import('${MODULE}')).machineTimeZone())`],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8', env: { ...process.env, TZ } },
  )
  expect([stdout, stderr]).toEqual([`${zone}\n`, ''])
})
