(function(){
var body=document.querySelector('#checks tbody'),rows=Array.from(body.rows),status='',order={fail:0,open:1,pass:2,none:3},
grave={high:0,medium:1,low:2},search=document.querySelector('#search'),area=document.querySelector('#area'),
shown=document.querySelector('#shown');
document.querySelector('.tools').hidden=false;
function filter(){var words=search.value.toLowerCase(),count=0;rows.forEach(function(row){
var fits=(!status||row.dataset.status===status)&&(!area.value||row.dataset.area===area.value)&&
row.textContent.toLowerCase().indexOf(words)>=0;row.hidden=!fits;count+=fits?1:0});
shown.textContent=count+' of '+rows.length+' shown'}
document.querySelectorAll('.tools button').forEach(function(button){button.addEventListener('click',function(){
status=button.dataset.status;document.querySelectorAll('.tools button').forEach(function(one){
one.setAttribute('aria-pressed',one===button)});filter()})});
search.addEventListener('input',filter);area.addEventListener('change',filter);
function key(row,by){if(by==='status')return order[row.dataset.status];
if(by==='severity')return grave[row.dataset.severity];
if(by==='id')return Number(row.dataset.id);return row.dataset[by].toLowerCase()}
document.querySelectorAll('#checks th button').forEach(function(button){button.addEventListener('click',function(){
var head=button.parentNode,down=head.getAttribute('aria-sort')==='ascending',by=button.dataset.by;
document.querySelectorAll('#checks th').forEach(function(one){one.removeAttribute('aria-sort')});
head.setAttribute('aria-sort',down?'descending':'ascending');
rows.sort(function(one,other){var a=key(one,by),b=key(other,by),
c=a<b?-1:a>b?1:one.dataset.id-other.dataset.id;return down?-c:c});
rows.forEach(function(row){body.appendChild(row)})})});
var opened=[];
window.addEventListener('beforeprint',function(){opened=Array.from(document.querySelectorAll('details:not([open])'));
opened.forEach(function(one){one.open=true})});
window.addEventListener('afterprint',function(){opened.forEach(function(one){one.open=false})});
filter();
})();
