/** The row of a statement that always answers with exactly one. */
export function onlyRow<Row>({ rows }: { readonly rows: readonly Row[] }): Row {
  const [row] = rows
  if (row === undefined) throw new Error('PostgreSQL answered without a row')
  return row
}
