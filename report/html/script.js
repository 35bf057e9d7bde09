(function(){
var root=document.documentElement,q=function(s,e){return Array.prototype.slice.call((e||document).querySelectorAll(s))};
var t=document.getElementById('theme');
t.hidden=false;
t.addEventListener('click',function(){
var dark=root.dataset.theme?root.dataset.theme==='dark':matchMedia('(prefers-color-scheme: dark)').matches;
root.dataset.theme=dark?'light':'dark';});
q('.timeline').forEach(function(box){
var end=+box.dataset.end,cursors=q('.cursor',box);
function show(at){cursors.forEach(function(c){c.style.display='block';c.style.left=(100*at/end)+'%';c.firstChild.textContent=at.toFixed(2)+' s'})}
function hide(){cursors.forEach(function(c){c.style.display='none'})}
var pinned=null;
q('.lanes',box).forEach(function(l){
l.addEventListener('mousemove',function(e){var b=q('.bands',l)[0].getBoundingClientRect();var x=(e.clientX-b.left)/b.width;if(x>=0&&x<=1)show(x*end)});
l.addEventListener('mouseleave',function(){pinned===null?hide():show(pinned)});});
var log=box.parentNode.querySelector('.log');if(!log)return;
var rows=q('tr[data-t]',log),word=box.parentNode.querySelector('.f-word'),sys=box.parentNode.querySelector('.f-sys'),host=box.parentNode.querySelector('.f-host'),count=box.parentNode.querySelector('.f-count');
q('.filters',box.parentNode).forEach(function(f){f.hidden=false});
function pick(r){rows.forEach(function(o){o.classList.remove('on')});
if(pinned===+r.dataset.t&&r.dataset.was){delete r.dataset.was;pinned=null;hide();return}
rows.forEach(function(o){delete o.dataset.was});r.dataset.was=1;r.classList.add('on');pinned=+r.dataset.t;show(pinned)}
rows.forEach(function(r){r.tabIndex=0;r.addEventListener('click',function(){pick(r)});
r.addEventListener('keydown',function(e){if(e.key==='Enter'||e.key===' '){e.preventDefault();pick(r)}})});
function filter(){var w=word.value.toLowerCase(),n=0;rows.forEach(function(r){
var ok=(!sys.value||r.dataset.s===sys.value)&&(!host.value||r.dataset.h===host.value)&&(!w||r.textContent.toLowerCase().indexOf(w)>=0);
r.hidden=!ok;if(ok)n++});count.textContent=n+' / '+rows.length}
[word,sys,host].forEach(function(i){i.addEventListener('input',filter)});filter();});
})();
