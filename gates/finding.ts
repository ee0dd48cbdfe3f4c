/** Something a gate refuses. Together `gate`, `rule` and `where` name it for gates/exceptions.json. */
export interface Finding {
  readonly gate: 'advisories' | 'lock-file' | 'secrets' | 'security-lint'
  /** An advisory's id, a lint rule, a secret's kind. */
  readonly rule: string
  /** A package or a file, without a line: those move. */
  readonly where: string
  readonly message: string
}
