import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import type { Lead } from './lead.ts'
import { describeForm, type Sent, sendLeads } from './send-leads.ts'

interface Answer {
  readonly status: number
  readonly body?: unknown
}
type Door = (id: string, attempt: number, request: IncomingMessage) => Answer | 'HANGS_UP'

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => server?.close(resolve))
})

/** A form's door, and what it was sent, in order. */
async function open(door: Door) {
  const posts: { readonly id: string; readonly answers: unknown }[] = []
  const listening = createServer(async (request, response) => {
    const id = String(request.headers['idempotency-key'])
    if (request.method === 'POST') posts.push({ id, answers: await json(request) })
    const answer = door(id, posts.filter((post) => post.id === id).length, request)
    if (answer === 'HANGS_UP') return void request.socket.destroy()
    const { status, body } = answer
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return { formUrl: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/f/book`, posts }
}

const lead = (id: string): Lead => ({ id, label: id, answers: { email: `${id}@leads.example` } })

async function send(formUrl: string, leads: AsyncIterable<Lead> | Iterable<Lead>, patienceMs = 30_000) {
  const sent: Sent[] = []
  await sendLeads(leads, { formUrl, concurrency: 2, patienceMs, onSent: (each) => sent.push(each) })
  return sent.sort((a, b) => (a.lead.id < b.lead.id ? -1 : 1))
}

describe('a lead on its way to the form', () => {
  test('is posted once with its id, and told apart: new, there before, refused and why', async () => {
    const answers: Record<string, Answer> = {
      a: { status: 201 },
      b: { status: 200 },
      c: { status: 409, body: { title: 'Conflict', detail: 'It came a moment ago.' } },
      d: { status: 410, body: { title: 'The form is closed.' } },
      e: { status: 429, body: 'Slow down' },
    }
    const { formUrl, posts } = await open((id) => answers[id] ?? { status: 404 })
    const sent = await send(formUrl, Object.keys(answers).map(lead))
    expect(sent.map(({ accepted, replayed, status, reason }) => [accepted, replayed, status, reason])).toEqual([
      [true, false, 201, null],
      [true, true, 200, null],
      [false, false, 409, 'It came a moment ago.'],
      [false, false, 410, 'The form is closed.'],
      [false, false, 429, 'HTTP 429'],
    ])
    expect(posts.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(posts.find(({ id }) => id === 'a')?.answers).toEqual({ email: 'a@leads.example' })
  })

  test('is sent again with the same id while the server is away or says so, and counts once', async () => {
    const { formUrl, posts } = await open((_id, attempt) =>
      attempt === 1 ? 'HANGS_UP' : attempt === 2 ? { status: 503 } : { status: 201 },
    )
    const sent = await send(formUrl, [lead('a')])
    expect(sent.map(({ status }) => status)).toEqual([201])
    expect(posts.map(({ id }) => id)).toEqual(['a', 'a', 'a'])
  })

  test('is given up when patience is over, with the reason', async () => {
    const refusing = await open(() => ({ status: 503 }))
    await expect(send(refusing.formUrl, [lead('a')], 0)).rejects.toThrow('answers 503')
    await expect(send('http://127.0.0.1:1/f/book', [lead('a')], 0)).rejects.toThrow()
  })

  test('is read one after the other from a source that reads a file, however many are on their way', async () => {
    const { formUrl } = await open(() => ({ status: 201 }))
    let reading = 0
    async function* source(): AsyncGenerator<Lead> {
      for (const id of ['a', 'b', 'c', 'd']) {
        expect(++reading).toBe(1)
        await new Promise(setImmediate)
        reading--
        yield lead(id)
      }
    }
    expect(await send(formUrl, source())).toHaveLength(4)
  })

  test('that cannot be read ends the sending with that fault', async () => {
    const { formUrl } = await open(() => ({ status: 201 }))
    async function* source(): AsyncGenerator<Lead> {
      yield lead('a')
      throw new Error('line 2 has no end')
    }
    await expect(send(formUrl, source())).rejects.toThrow('line 2 has no end')
  })
})

test('a form is asked to describe itself, and one that is not there is named with its answer', async () => {
  const { formUrl } = await open((_id, _attempt, { url }) =>
    url === '/f/book' ? { status: 200, body: { name: 'Book', fields: [] } } : { status: 404 },
  )
  expect(await describeForm(formUrl)).toEqual({ name: 'Book', fields: [] })
  await expect(describeForm(`${formUrl}s`)).rejects.toThrow(`${formUrl}s answered 404`)
})
