import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Step, startMessagesServer } from '../../../test/support/messages-server.ts'
import { createModel, type ModelRequest } from './model.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tape-'))
  file = join(folder, 'run.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const ask = (content: string): ModelRequest => ({
  purpose: 'ACT',
  model: 'claude-haiku-5-5',
  maxTokens: 100,
  system: [],
  messages: [{ role: 'user', content }],
  tools: [],
})

const say = (text: string): Step => ({ kind: 'message', content: [{ type: 'text', text }] })

/** Records the questions against a scripted server and returns what came back live. */
async function record(script: Step[], questions: string[]) {
  const server = await startMessagesServer({ script })
  const model = createModel({
    mode: 'live',
    apiKey: 'sk-secret',
    baseUrl: server.url,
    tapeFile: file,
    timeoutMs: 10_000,
  })
  const outcomes = []
  for (const question of questions) outcomes.push(await model.attempt(ask(question)))
  await server.stop()
  return outcomes
}

const replay = () => createModel({ mode: 'tape', tapeFile: file, timeoutMs: 10_000 })

describe('a tape', () => {
  it('answers without a network exactly as the model did, failures and cut streams included', async () => {
    const script: Step[] = [
      say('Answer with an umlaut: ü 🙂'),
      { kind: 'error', status: 429, headers: { 'retry-after': '3' } },
      { kind: 'cut', content: [{ type: 'text', text: 'x'.repeat(200) }], afterPieces: 2 },
    ]
    const questions = ['one', 'two', 'three']
    const lived = await record(script, questions)
    const model = replay()
    const replayed = []
    for (const question of questions) replayed.push(await model.attempt(ask(question)))
    expect(replayed.slice(0, 2)).toEqual(lived.slice(0, 2))
    const [, , lost] = lived
    expect(lost).toMatchObject({ ok: false, error: { kind: 'TRUNCATED' } })
    expect(replayed[2]).toMatchObject({
      ok: false,
      error: { kind: 'TRUNCATED', usage: lost?.ok === false ? lost.error.usage : null },
    })
  })

  it('answers the same request in the order of its recordings, whatever comes between', async () => {
    await record([say('first'), say('other'), say('second')], ['same', 'else', 'same'])
    const model = replay()
    const texts = []
    for (const question of ['same', 'same', 'else']) {
      const outcome = await model.attempt(ask(question))
      texts.push(outcome.ok ? outcome.answer.content[0] : outcome.error)
    }
    expect(texts).toMatchObject([{ text: 'first' }, { text: 'second' }, { text: 'other' }])
  })

  it('says that a recording is missing, or used up, and sends nothing', async () => {
    await record([say('first')], ['same'])
    const model = replay()
    const missing = await model.attempt(ask('never asked'))
    expect(missing).toMatchObject({ ok: false, error: { kind: 'INVALID_REQUEST', sent: false } })
    expect(missing.ok === false && missing.error.message).toContain('has no recording of this request')
    await model.attempt(ask('same'))
    const used = await model.attempt(ask('same'))
    expect(used.ok === false && used.error.message).toContain('made again')
  })

  it('holds neither the key nor the prompt', async () => {
    await record([say('first')], ['a private question'])
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain('sk-secret')
    expect(text).not.toContain('a private question')
  })

  it('keeps calls apart that were recorded at the same time', async () => {
    const server = await startMessagesServer({ script: (request) => say(JSON.stringify(request.body?.messages)) })
    const model = createModel({ mode: 'live', apiKey: 'k', baseUrl: server.url, tapeFile: file, timeoutMs: 10_000 })
    const questions = Array.from({ length: 20 }, (_, index) => `question ${index}`)
    const lived = await Promise.all(questions.map((question) => model.attempt(ask(question))))
    await server.stop()
    const tape = replay()
    expect(await Promise.all(questions.map((question) => tape.attempt(ask(question))))).toEqual(lived)
  })

  it('is refused at the start when it is missing or is something else', async () => {
    expect(replay).toThrow('not found')
    await writeFile(file, 'not a tape\n')
    expect(replay).toThrow('see line 1')
    expect(() => createModel({ mode: 'tape', timeoutMs: 1000 })).toThrow('needs the file')
  })
})
