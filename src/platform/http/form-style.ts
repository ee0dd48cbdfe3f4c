/** How the fields, errors and buttons of pages look, for `pageStyle`. */
export const FORM_RULES = `
.note,.help{color:var(--soft)}
.help{font-size:.92rem;margin:0 0 .4rem}
.field{margin:0 0 1.35rem;border:0;padding:0;min-width:0}
label,legend{display:block;font-weight:600;padding:0;margin:0 0 .25rem}
input,select,textarea{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.45rem;padding:.6rem .7rem;width:100%;min-height:2.9rem}
input:focus-visible,select:focus-visible,textarea:focus-visible,button:focus-visible{outline:3px solid var(--ring);outline-offset:1px;border-color:var(--accent)}
.wrong{color:var(--bad);font-weight:600;margin:0 0 .4rem}
.field.bad{border-left:4px solid var(--bad);padding-left:.8rem}
.bad input,.bad select,.bad textarea{border-color:var(--bad)}
.summary{background:var(--bad-ground);border:1px solid var(--bad);border-radius:.5rem;padding:.9rem 1rem;margin:0 0 1.35rem}
.summary ul{margin:0;padding-left:1.1rem}
.summary p:last-child{margin:0}
.summary a{color:var(--bad)}
button{font:inherit;font-weight:600;cursor:pointer;background:var(--accent);color:var(--on-accent);border:1px solid transparent;border-radius:.45rem;padding:.7rem 1.6rem;min-height:2.9rem;width:100%}
@media (min-width:40rem){button{width:auto}}
`.trim()
