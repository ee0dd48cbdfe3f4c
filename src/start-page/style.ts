import { pageStyle } from '../platform/http/page.ts'

export const START_STYLE = pageStyle(`
main{max-width:62rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;justify-content:space-between;margin:0 0 1.25rem}
h1{margin:0}
h1 span{color:var(--soft);font-weight:400}
header p{margin:0;color:var(--soft);font-variant-numeric:tabular-nums}
#state[data-state=live]{color:var(--good);font-weight:600}
#state[data-state=live]::before{content:"● "}
#state[data-state=reconnecting]{color:var(--wait)}
.who{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:center;justify-content:flex-end;margin:0 0 .6rem;font-size:.92rem;color:var(--soft)}
.who form{display:flex;gap:.4rem;align-items:center;margin:0}
.who select,.who button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.25rem .7rem;min-height:2rem;cursor:pointer}
.who select:focus-visible,.who button:focus-visible{outline:3px solid var(--ring);outline-offset:1px}
.hint .who{justify-content:flex-start}
main>.card{margin:0 0 1.1rem;padding:.5rem 1.25rem}
ul,ol{list-style:none;margin:0;padding:0}
#team li{display:grid;gap:.1rem 1rem;padding:.7rem 0;border-top:1px solid var(--hair)}
#team li:first-child,#last li:first-child{border-top:0}
#team strong{font-weight:600}
#team small,time,.since,.note{color:var(--soft);font-size:.92rem}
.does{display:flex;gap:.1rem .6rem;align-items:baseline}
.does .since{margin-left:auto;flex:none}
.mark{flex:none;font-size:.85rem;font-weight:600;border:1px solid;border-radius:1rem;padding:0 .6rem}
.WORKING{color:var(--good)}
.WAITING,.STUCK{color:var(--wait)}
.FAILED{color:var(--bad)}
.IDLE,.PAUSED{color:var(--soft)}
nav li{display:grid;grid-template-columns:2.2rem minmax(0,1fr);padding:.85rem 0;border-top:1px solid var(--hair)}
nav>ol>li:first-child{border-top:0}
nav b{font-size:1.15rem;color:var(--soft);font-variant-numeric:tabular-nums}
nav h2{margin:0}
nav p{margin:0}
nav ul{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem}
nav ul li{display:inline;padding:0;border:0}
#waiting ul{display:block}
#waiting ul li{display:block}
#waiting small{color:var(--soft);font-size:.92rem}
#waiting summary{cursor:pointer;color:var(--soft);font-size:.92rem}
#waiting dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.1rem .8rem;margin:.2rem 0 .6rem}
#waiting dt{color:var(--soft)}
#waiting dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
nav a,#waiting a{display:inline-block;max-width:100%;padding:.2rem 0}
nav li>div{min-width:0}
#last li{display:grid;grid-template-columns:3.4rem minmax(0,1fr);padding:.3rem 0;border-top:1px solid var(--hair)}
#last li.note,#team li.note{display:block}
time{font-variant-numeric:tabular-nums}
main>.card.hint{max-width:38rem;margin:0 auto;padding:1.5rem 2rem}
.hint p:last-child{margin:0}
.hint h1{margin:0 0 .75rem}
footer{color:var(--soft);font-size:.92rem}
#last-title{margin:.4rem 0 .2rem}
@media (min-width:48rem){#team li{grid-template-columns:15rem minmax(0,1fr);align-items:baseline}main>.card{padding:.6rem 2rem}}
`)
