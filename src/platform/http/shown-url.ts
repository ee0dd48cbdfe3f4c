/** An address of ours as people are given it: by the name under which their browser has our cookies. */
export const shownUrl = (url: string): string => url.replace('//127.0.0.1:', '//localhost:')
