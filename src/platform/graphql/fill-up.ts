const LENGTHS = [1, 2, 5, 10, 25, 50, 100]

/**
 * A list filled up with its last item to one of a few lengths. To Prisma and PostgreSQL a list of another length is
 * another statement, to be planned and prepared anew.
 */
export function filledUp<Item>(items: readonly Item[]): Item[] {
  const last = items.at(-1)
  const length = LENGTHS.find((wanted) => wanted >= items.length) ?? items.length
  return last === undefined ? [] : [...items, ...Array<Item>(length - items.length).fill(last)]
}
