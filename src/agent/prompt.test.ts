import { describe, expect, it } from 'vitest'
import { systemBlocks } from './prompt.ts'

const iris = {
  name: 'Iris',
  title: 'Sales Development',
  role: 'SDR',
  autonomy: 'AUTONOMOUS',
  instructions: ' Be brief. ',
  tools: [],
  model: null,
} as unknown as NonNullable<Parameters<typeof systemBlocks>[0]>

describe('what every call of an employee begins with', () => {
  it('says who it is, its instructions, the rules, and then the form’s own instructions', () => {
    const [first, second, ...more] = systemBlocks(iris, ' Open a deal. ')
    expect(first?.text).toMatch(/^You are Iris, Sales Development, an AI employee\. Your role is SDR\./)
    expect(first?.text).toContain('Your standing instructions:\nBe brief.\n\nHow you work:')
    expect(second?.text).toBe("What is to be done with this form's submissions:\nOpen a deal.")
    expect(more).toEqual([])
  })

  it('leaves out instructions that nobody gave', () => {
    const blocks = [systemBlocks({ ...iris, instructions: ' ' }, ' '), systemBlocks(null, '')]
    expect(blocks.map((each) => each.length)).toEqual([1, 1])
    expect(blocks.flat().map(({ text }) => text.includes('standing instructions'))).toEqual([false, false])
    expect(blocks[1]?.[0]?.text).toMatch(/^You are an AI employee\./)
  })

  it('is marked for the provider’s cache on its last block only', () => {
    const marks = (form: string) => systemBlocks(iris, form).map((block) => 'cache_control' in block)
    expect(marks('')).toEqual([true])
    expect(marks('Open a deal.')).toEqual([false, true])
  })
})
