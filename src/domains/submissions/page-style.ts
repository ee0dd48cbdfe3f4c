import { FORM_RULES } from '../../platform/http/form-style.ts'
import { pageStyle } from '../../platform/http/page.ts'

/** How the public pages of forms look. */
export const FORM_STYLE = pageStyle(`
${FORM_RULES}
.card>p:last-child{margin:0}
.needed{color:var(--bad)}
textarea{min-height:7.5rem;resize:vertical}
.tick{display:flex;gap:.65rem;align-items:flex-start;font-weight:400;margin:0 0 .35rem}
.tick input{flex:none;width:1.25rem;height:1.25rem;min-height:0;margin:.15rem 0 0;padding:0;accent-color:var(--accent)}
.money{display:flex;align-items:stretch}
.money input{border-start-end-radius:0;border-end-end-radius:0;min-width:0}
.money span{display:flex;align-items:center;padding:0 .8rem;border:1px solid var(--line);border-left:0;border-radius:0 .45rem .45rem 0;color:var(--soft)}
.extra{position:absolute;left:-10000px;width:1px;height:1px;overflow:hidden}
`)
