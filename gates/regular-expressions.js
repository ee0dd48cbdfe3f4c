// A rule for oxlint: a regular expression takes time in proportion to its text. One that backtracks is a door for whoever
// sends the text. JavaScript, because oxlint loads it by itself, on Node 20 too.

import { analyse } from 'scslre'

const linear = {
  create: (context) => ({
    Literal(node) {
      if (node.regex === undefined) return
      const { pattern: source, flags } = node.regex
      for (const { type, exponential, character } of analyse({ source, flags }).reports) {
        const growth = exponential ? 'exponentially' : 'with the square of the text, or worse'
        const how = type === 'Move' ? 'is tried anew from each place' : 'can be shared out in many ways'
        const repeated = `${JSON.stringify(character.pick)} repeated`
        context.report({ node, message: `The time of this pattern grows ${growth}: ${repeated} ${how}.` })
      }
    },
  }),
}

export default { meta: { name: 'regular-expressions' }, rules: { linear } }
