// A second process for tests: sequences the database of its first argument until its input ends, and then prints how many
// batches it moved.

import { openNode } from './log-world.ts'

const [url] = process.argv.slice(2)
if (url === undefined) throw new Error('the URL of the database is missing')
const node = await openNode(url)
let batches = 0
node.events.sequencer.onMoved(() => {
  batches += 1
})
process.stdin.resume()
process.stdin.on('end', async () => {
  await node.close()
  process.stdout.write(`${batches}\n`)
})
process.stdout.write('ready\n')
