import { pageStyle } from '../../platform/http/page.ts'

/** How the public pages of forms look. */
export const FORM_STYLE = pageStyle(`
.card>p:last-child{margin:0}
.note,.help{color:var(--soft)}
.help{font-size:.92rem;margin:0 0 .4rem}
.field{margin:0 0 1.35rem;border:0;padding:0;min-width:0}
label,legend{display:block;font-weight:600;padding:0;margin:0 0 .25rem}
.needed{color:var(--bad)}
input,select,textarea{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.45rem;padding:.6rem .7rem;width:100%;min-height:2.9rem}
textarea{min-height:7.5rem;resize:vertical}
input:focus-visible,select:focus-visible,textarea:focus-visible,button:focus-visible{outline:3px solid var(--ring);outline-offset:1px;border-color:var(--accent)}
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
button{font:inherit;font-weight:600;cursor:pointer;background:var(--accent);color:var(--on-accent);border:1px solid transparent;border-radius:.45rem;padding:.7rem 1.6rem;min-height:2.9rem;width:100%}
.extra{position:absolute;left:-10000px;width:1px;height:1px;overflow:hidden}
@media (min-width:40rem){button{width:auto}}
`)
