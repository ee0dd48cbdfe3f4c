/** One lead on its way to the form. `id` is the submission's, made here: sending it twice stores it once. */
export interface Lead {
  readonly id: string
  /** What a person calls it on the screen. */
  readonly label: string
  /** By the form's field keys. */
  readonly answers: Readonly<Record<string, unknown>>
  /** Where it ends in its file. */
  readonly line?: number
}

/** What the sender must know of a form's field; the form's own page describes them all. */
export interface FieldDescription {
  readonly key: string
  readonly label: string
  readonly kind: string
}
