import { afterEach, describe, expect, test, vi } from 'vitest'
import { ProgressBar } from './progress-bar.ts'

function listen({ isTTY = true, total = null as number | null, columns = 0 } = {}) {
  let said = ''
  const out = {
    isTTY,
    columns,
    write: (text: string) => {
      said += text
    },
  }
  const take = (): string => {
    const now = said
    said = ''
    return now
  }
  return { bar: new ProgressBar(out as unknown as NodeJS.WriteStream, total), take }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('progress without a terminal', () => {
  test('is a line for every tenth, each once', () => {
    const { bar, take } = listen({ isTTY: false, total: 100 })
    for (const done of [0, 5, 10, 15, 19, 100]) bar.draw(done, null, 'at work')
    expect(take()).toBe('  0/100    at work\n  10/100    at work\n  100/100    at work\n')
    bar.end()
    expect(take()).toBe('')
  })

  test('of something whose end is not known counts, and does not divide by nothing', () => {
    const { bar, take } = listen({ isTTY: false })
    bar.draw(7, null, 'sent')
    bar.draw(0, 0, 'sent')
    expect(take()).toBe('  7    sent\n')
    bar.draw(5, 5, 'sent')
    expect(take()).toBe('  5/5    sent\n')
  })

  test('that has gone past its end is full, not longer', () => {
    const { bar, take } = listen({ total: 10 })
    bar.draw(15, null, 'sent')
    expect(take()).toBe(`  ${'━'.repeat(50)}  10/10    sent`)
  })
})

describe('progress at a terminal', () => {
  test('is a bar that is as full as the work is done', () => {
    const { bar, take } = listen({ total: 4 })
    bar.draw(1, null, '3.0/s')
    expect(take()).toBe(`  ${'━'.repeat(13)}${'─'.repeat(37)}  1/4    3.0/s`)
  })

  test('takes away what it drew before it draws again, with all that stands below, and is drawn at its end', () => {
    const { bar, take } = listen({ total: 4 })
    bar.below = () => ['Iris  at work', 'Ava  idle']
    bar.draw(4, null, 'sent')
    expect(take().split('\n').slice(1)).toEqual(['', 'Iris  at work', 'Ava  idle'])
    bar.below = () => []
    bar.draw(4, null, 'done')
    expect(take()).toBe(`\r\u001b[3A\u001b[J  ${'━'.repeat(50)}  4/4    done`)
    bar.draw(4, null, 'done')
    expect(take().startsWith('\r\u001b[J')).toBe(true)
  })

  test('is not drawn more often than somebody can see, but for its end', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { bar, take } = listen({ total: 4 })
    bar.draw(1, null, 'sent')
    take()
    vi.advanceTimersByTime(99)
    bar.draw(2, null, 'sent')
    expect(take()).toBe('')
    vi.advanceTimersByTime(1)
    bar.draw(3, null, 'sent')
    expect(take()).toContain('3/4')
    bar.draw(4, null, 'sent')
    expect(take()).toContain('4/4')
  })

  test('shows at its end what it was told last, however soon after the time before', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { bar, take } = listen({ total: 4 })
    bar.draw(1, null, 'sent')
    bar.draw(3, null, 'stopped')
    take()
    bar.end()
    expect(take()).toMatch(/3\/4 {4}stopped\n$/)
  })

  test('makes room for a line above it, and is there again at once', () => {
    const { bar, take } = listen({ total: 4 })
    bar.draw(1, null, 'sent')
    take()
    bar.above('refused: \u001b[2Jtoo late')
    expect(take()).toBe('\r\u001b[Jrefused:  [2Jtoo late\n')
    bar.draw(1, null, 'sent')
    expect(take()).toContain('1/4')
  })

  test('never breaks over the edge of a narrow one', () => {
    const { bar, take } = listen({ total: 4, columns: 20 })
    bar.draw(2, null, 'sent')
    expect([...take()]).toHaveLength(20)
  })

  test('leaves the cursor on a line of its own', () => {
    const { bar, take } = listen({ total: 4 })
    bar.draw(4, null, 'sent')
    take()
    bar.end()
    bar.end()
    expect(take()).toBe('\n')
  })
})
