import { describe, expect, it } from 'vitest'
import { createLogger, type LoggerOptions } from './logger.ts'

function capture(options: Omit<LoggerOptions, 'stream'>) {
  const lines: string[] = []
  const log = createLogger({ ...options, stream: { write: (line) => void lines.push(line) } })
  return { log, lines, text: () => lines.join('') }
}

const SECRETS = {
  req: { headers: { authorization: 'Bearer s3cret-1', cookie: 's3cret-2', 'x-api-key': 's3cret-3', host: 'cadre' } },
  headers: { 'set-cookie': 's3cret-4' },
  password: 's3cret-5',
  model: { apiKey: 's3cret-6' },
  url: 'postgresql://owner:s3cret-7@db.local:5432/cadre',
  database: { directUrl: 'postgresql://owner:s3cret-8@db.local/cadre' },
  settings: { DATABASE_URL: 'postgres://me:s3cret@9/x@db.local/cadre' },
}

describe.each(['json', 'pretty'] as const)('the log as %s', (format) => {
  it('shows no secret, and leaves everything else as it was', () => {
    const { log, text } = capture({ level: 'info', format })
    log.info(SECRETS, 'a request')
    expect(text()).not.toContain('s3cret-')
    expect(text()).toContain('db.local:5432/cadre')
    expect(text()).toContain('cadre')
    expect(text()).toContain('a request')
  })

  it('shows none by its shape either, in a message or an error', () => {
    const { log, text } = capture({ level: 'info', format })
    const key = `cadre_live_${'s3cret'.padEnd(32, 'x')}`
    log.info(`who sent ${key} over postgres://me:s3cret-1@db.local/x?`)
    log.info({ note: `Bearer ${key}`, err: new Error(`sk-ant-api03-s3cretmodel: ${key}`) }, 'refused')
    expect(text()).not.toContain('s3cret')
    expect(text()).toContain('cadre_live_[redacted]')
    expect(text()).toContain('db.local/x')
  })

  it('shows of an error what it is, not the data that was worked on, nor that of its cause', () => {
    const { log, text } = capture({ level: 'info', format })
    const cause = Object.assign(new Error('refused'), { code: '23514', detail: 'Failing row contains (s3cret-1).' })
    const rawPacket = Buffer.from('s3cret-2')
    log.info(
      { err: Object.assign(new Error('broken', { cause }), { rawPacket, headers: { a: 's3cret-3' } }) },
      'a fault',
    )
    expect(text()).not.toMatch(/s3cret|Buffer|115,51/)
    expect(text()).toContain('23514')
  })

  it('shows nothing of a cause that is no error, whatever that is', () => {
    const { log, text } = capture({ level: 'info', format })
    const causes = [{ id_token: 's3cret-1' }, 's3cret-2', new URLSearchParams({ code: 's3cret-3' }), new Response('x')]
    for (const cause of causes)
      log.info({ err: new Error('broken', { cause: new Error('within', { cause }) }) }, 'a fault')
    log.info({ err: new AggregateError([{ token: 's3cret-4' }], 'several') }, 'a fault')
    expect(text()).not.toContain('s3cret')
    expect(text().match(/within/g)?.length).toBeGreaterThanOrEqual(4)
  })

  it('keeps the path of a request, which is a URL without a secret', () => {
    const { log, text } = capture({ level: 'info', format })
    log.info({ req: { url: '/graphql?query=1' } }, 'a request')
    expect(text()).toContain('/graphql?query=1')
  })

  it('has written the line when the call returns', () => {
    const { log, lines } = capture({ level: 'info', format })
    log.info('first')
    expect(lines).toHaveLength(1)
  })

  it('leaves out what is below its level', () => {
    const { log, lines } = capture({ level: 'warn', format })
    log.info('no')
    log.warn('yes')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('yes')
  })

  it('shows an error with its stack', () => {
    const { log, text } = capture({ level: 'error', format })
    log.error({ err: new TypeError('broken') }, 'a fault')
    expect(text()).toContain('broken')
    expect(text()).toContain('logger.test.ts')
  })
})

describe('the log as json', () => {
  it('is one object per line with a level in words and a time in UTC', () => {
    const { log, lines } = capture({ level: 'info', format: 'json' })
    log.info({ dealId: 'deal_1' }, 'moved')
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    expect(line).toMatchObject({ level: 'info', dealId: 'deal_1', msg: 'moved' })
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
    expect(lines[0]?.endsWith('\n')).toBe(true)
  })
})
