import { createHash } from 'node:crypto'

/** The style of the public pages: phone first, light and dark by the reader's setting, nothing loaded from anywhere. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1b2130;--soft:#596277;--line:#848da0;--hair:#e3e6ec;--accent:#2f54d4;--on-accent:#fff;--bad:#b3261e;--bad-ground:#fdeeed;--ring:#2f54d466}
@media (prefers-color-scheme:dark){:root{--ground:#12151c;--card:#1b202b;--ink:#eceff5;--soft:#a6afc1;--line:#717b8f;--hair:#2c3342;--accent:#8ea8ff;--on-accent:#0e1430;--bad:#ffb3ab;--bad-ground:#3a1f1f;--ring:#8ea8ff80}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
main{max-width:38rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.card{background:var(--card);border:1px solid var(--hair);border-radius:.75rem;padding:1.5rem 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;text-wrap:balance}
h2{font-size:1.05rem;margin:0 0 .35rem}
p{margin:0 0 1rem}
.note,.help{color:var(--soft)}
.help{font-size:.92rem;margin:0 0 .4rem}
.field{margin:0 0 1.35rem;border:0;padding:0;min-width:0}
label,legend{display:block;font-weight:600;padding:0;margin:0 0 .25rem}
.needed{color:var(--bad)}
input,select,textarea{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.45rem;padding:.6rem .7rem;width:100%;min-height:2.9rem}
textarea{min-height:7.5rem;resize:vertical}
input:focus-visible,select:focus-visible,textarea:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--ring);outline-offset:1px;border-color:var(--accent)}
.tick{display:flex;gap:.65rem;align-items:flex-start;font-weight:400;margin:0 0 .35rem}
.tick input{flex:none;width:1.25rem;height:1.25rem;min-height:0;margin:.15rem 0 0;padding:0;accent-color:var(--accent)}
.money{display:flex;align-items:stretch}
.money input{border-start-end-radius:0;border-end-end-radius:0;min-width:0}
.money span{display:flex;align-items:center;padding:0 .8rem;border:1px solid var(--line);border-left:0;border-radius:0 .45rem .45rem 0;color:var(--soft)}
.wrong{color:var(--bad);font-weight:600;margin:0 0 .4rem}
.field.bad{border-left:4px solid var(--bad);padding-left:.8rem}
.bad input,.bad select,.bad textarea{border-color:var(--bad)}
.summary{background:var(--bad-ground);border:1px solid var(--bad);border-radius:.5rem;padding:.9rem 1rem;margin:0 0 1.35rem}
.summary ul{margin:0;padding-left:1.1rem}
.summary p:last-child{margin:0}
.summary a{color:var(--bad)}
a{color:var(--accent)}
button{font:inherit;font-weight:600;cursor:pointer;background:var(--accent);color:var(--on-accent);border:1px solid transparent;border-radius:.45rem;padding:.7rem 1.6rem;min-height:2.9rem;width:100%}
.extra{position:absolute;left:-10000px;width:1px;height:1px;overflow:hidden}
@media (min-width:40rem){main{padding-top:3rem}.card{padding:2rem 2.25rem}button{width:auto}}
`.trim()

/** For the content security policy: this style and no other. */
export const PAGE_STYLE_HASH = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`
