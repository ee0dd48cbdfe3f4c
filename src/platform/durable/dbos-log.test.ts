import pino from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../lib/clock.ts'
import { type DbosLogger, dbosLogger } from './dbos-log.ts'

const time = { ms: 0 }
const clock = { monotonicMs: () => time.ms } as Clock
let lines: { readonly level: number; readonly msg: string; readonly err?: { readonly message: string } }[]
let log: DbosLogger

beforeEach(() => {
  lines = []
  time.ms = 0
  log = dbosLogger(pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) }), clock)
})

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' }
const said = (): string[] => lines.map(({ level, msg }) => `${LEVELS[level]} ${msg}`)

describe('what the queue’s library says', () => {
  test('keeps its level, but for what it merely does', () => {
    log.debug('deep inside')
    log.info('Launched')
    log.warn('A queue has no worker')
    log.error('Migration 7 is missing')
    expect(said()).toEqual([
      'debug DBOS: Launched',
      'warn DBOS: A queue has no worker',
      'error DBOS: Migration 7 is missing',
    ])
  })

  test('keeps the error that it carries', () => {
    log.error('It failed', { error: new Error('out of room') } as never)
    expect(lines[0]?.err?.message).toBe('out of room')
  })

  test('is told once in half a minute, whatever ids and numbers stand in it', () => {
    log.warn('Workflow 0192f3a4-7c3e-7000-8000-000000000000 took 12.5 s')
    log.warn('Workflow 0192f3a4-7c3e-7000-8000-000000000001 took 3 s')
    time.ms = 29_999
    log.warn('Workflow 0192f3a4-7c3e-7000-8000-000000000002 took 4 s')
    time.ms = 30_000
    log.warn('Workflow 0192f3a4-7c3e-7000-8000-000000000003 took 5 s')
    expect(lines.map(({ level }) => LEVELS[level])).toEqual(['warn', 'debug', 'debug', 'warn'])
  })

  test('is not kept for ever: after a hundred sentences it is told anew', () => {
    log.warn('The first')
    const letters = [...'abcdefghijklmnopqrstuvwxyz']
    for (const a of letters.slice(0, 4)) for (const b of letters) log.warn(`Sentence ${a}${b}`)
    lines = []
    log.warn('The first')
    expect(said()).toEqual(['warn DBOS: The first'])
  })

  test.each([
    'Workflow x is no longer owned by this execution',
    'Shutting down while a workflow runs',
    'Cannot use a pool after calling end on the pool',
    'connect ECONNREFUSED 127.0.0.1:5432',
    'terminating connection due to administrator command',
    'the database system is starting up',
  ])('of our own letting go, and of a database that is away, is no alarm: %s', (message) => {
    log.error(message)
    expect(said()).toEqual([`debug DBOS: ${message}`])
  })
})
