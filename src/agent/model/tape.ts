import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { z } from 'zod'
import { AppError, notFound } from '../../platform/lib/errors.ts'
import type { ModelFetch } from './live.ts'

/*
 * A tape is a JSONL file of model calls as they went over the wire, so that a run can be repeated without a network and
 * without paying. One line is one response; requests are known by the hash of their body. A request that was made
 * several times is answered in the order of its recordings. Keys and request bodies are never written.
 */

const KEPT_HEADERS = ['content-type', 'request-id', 'retry-after', 'retry-after-ms', 'x-cadre-model']

const recordingSchema = z.object({
  request: z.string(),
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  /** The stream was cut after `body`. */
  cut: z.boolean(),
})
type Recording = z.infer<typeof recordingSchema>

/** A replayed request that the tape does not hold. */
export class MissingRecordingError extends Error {
  constructor(file: string, request: string, asked: number) {
    super(
      asked === 0
        ? `The tape ${file} has no recording of this request (${request.slice(0, 12)}).`
        : `The tape ${file} has ${asked} recording(s) of this request (${request.slice(0, 12)}) and it was made again.`,
    )
    this.name = 'MissingRecordingError'
  }
}

/** `inner`, with every response also appended to `file`; a stream ends for its reader only once its line is written. */
export function recordTape(file: string, inner: ModelFetch): ModelFetch {
  let written: Promise<void> = Promise.resolve()
  const write = (recording: Recording): Promise<void> => {
    const append = () => appendFile(file, `${JSON.stringify(recording)}\n`)
    written = written.then(append, append)
    return written
  }

  return async (url, init) => {
    const response = await inner(url, init)
    const start = {
      request: hashOf(init?.body),
      status: response.status,
      headers: Object.fromEntries(KEPT_HEADERS.flatMap((name) => headerOf(response.headers, name))),
    }
    if (response.body === null) {
      await write({ ...start, body: '', cut: false })
      return response
    }
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    let body = ''
    const recorded = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) {
            body += decoder.decode(value, { stream: true })
            controller.enqueue(value)
            return
          }
        } catch (err) {
          await write({ ...start, body, cut: true })
          controller.error(err)
          return
        }
        await write({ ...start, body: body + decoder.decode(), cut: false })
        controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    })
    return new Response(recorded, { status: response.status, headers: response.headers })
  }
}

/** Answers from `file` alone. Throws `NOT_FOUND` or `INVALID_INPUT` at once when the file is missing or not a tape. */
export function replayTape(file: string): ModelFetch {
  const recordings = readTape(file)
  const asked = new Map<string, number>()

  return async (_url, init) => {
    const request = hashOf(init?.body)
    const count = asked.get(request) ?? 0
    const recording = recordings.get(request)?.[count]
    if (recording === undefined) throw new MissingRecordingError(file, request, count)
    asked.set(request, count + 1)
    let rest = [new TextEncoder().encode(recording.body)].filter((bytes) => bytes.length > 0)
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const [next] = rest
        rest = []
        if (next !== undefined) controller.enqueue(next)
        else if (recording.cut) controller.error(new Error('the recorded stream was cut here'))
        else controller.close()
      },
    })
    return new Response(body, { status: recording.status, headers: recording.headers })
  }
}

function readTape(file: string): Map<string, Recording[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') throw notFound('Tape', file)
    throw err
  }
  const recordings = new Map<string, Recording[]>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const recording = parseLine(line)
    if (recording === undefined) throw new AppError('INVALID_INPUT', `${file} is not a tape: see line ${index + 1}.`)
    const same = recordings.get(recording.request)
    if (same === undefined) recordings.set(recording.request, [recording])
    else same.push(recording)
  }
  return recordings
}

function parseLine(line: string): Recording | undefined {
  try {
    return recordingSchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

function headerOf(headers: Headers, name: string): [string, string][] {
  const value = headers.get(name)
  return value === null ? [] : [[name, value]]
}

function hashOf(body: RequestInit['body']): string {
  if (typeof body !== 'string') throw new TypeError('A model request has a text body')
  return createHash('sha256').update(body).digest('hex')
}
