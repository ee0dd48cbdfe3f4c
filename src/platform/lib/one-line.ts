// What has no place in a line of text that somebody else has chosen: it ends the line, cannot be seen, or turns the direction
// in which what follows is read.

const UNLINED = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu

export const isOneLine = (text: string): boolean => text.search(UNLINED) === -1

/** Whether it is a line of which something is seen: not of nothing but letters that take up room. An empty one is too short. */
export const isVisibleLine = (text: string): boolean =>
  isOneLine(text) && (text === '' || /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{P}\p{S}]/u.test(text))

/** The text as one line. */
export const inOneLine = (text: string): string => text.replace(UNLINED, ' ')
