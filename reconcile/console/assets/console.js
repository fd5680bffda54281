// Follows live: an event says that something changed, and the parts of the page that
// are marked for it are fetched and put in place of the old ones. Reading works
// without any of this.
(function () {
  "use strict";
  var address = document.currentScript.dataset.events;
  var main = document.getElementById("main");
  var lost = document.getElementById("lost");
  var shown = main.dataset.version;
  var busy = false, again = false, failed = false;
  var every = 20000;

  function open(part) {
    return Array.prototype.map.call(part.querySelectorAll("details"), function (d) { return d.open; });
  }

  // put replaces what differs, and keeps the focus and what was opened where they were.
  function put(fresh) {
    fresh.querySelectorAll("[data-live]").forEach(function (next) {
      var old = document.getElementById(next.id);
      if (!old || old.innerHTML === next.innerHTML) { return; }
      var focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      var opened = open(old);
      var said = old.querySelector("[aria-live]");
      old.replaceChildren.apply(old, Array.prototype.slice.call(document.importNode(next, true).childNodes));
      // What is read aloud stays the same element, so that only a change of it is read.
      var says = old.querySelector("[aria-live]");
      if (said && says) {
        if (said.innerHTML !== says.innerHTML) { said.innerHTML = says.innerHTML; }
        said.className = says.className;
        says.replaceWith(said);
      }
      old.querySelectorAll("details").forEach(function (d, i) { d.open = !!opened[i]; });
      if (focused) {
        var link = old.querySelector('a[href="' + CSS.escape(focused) + '"]');
        if (link) { link.focus(); }
      }
    });
    var now = document.querySelector(".old"), then = fresh.querySelector(".old");
    if (now && then) { now.innerHTML = then.innerHTML; } else if (now) { now.remove(); } else if (then) { main.prepend(document.importNode(then, true)); }
    var foot = fresh.querySelector(".foot p");
    if (foot) { document.querySelector(".foot p").textContent = foot.textContent; }
  }

  function tell(bad) {
    failed = bad;
    lost.hidden = !bad;
  }

  function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(location.href, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
      if (!answer.ok) { throw new Error(answer.status); }
      if (answer.redirected) { location.replace(answer.url); } // this address means something else now
      return answer.text();
    }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html");
      var next = fresh.getElementById("main");
      if (!next) { throw new Error("no page"); }
      shown = next.dataset.version;
      put(fresh);
      tell(false);
    }).catch(function () { tell(true); }).then(function () {
      busy = false;
      if (again) { again = false; refresh(); }
    });
  }

  function follow() {
    var stream = new EventSource(address);
    stream.addEventListener("changed", function (event) {
      if (event.data !== shown || failed) { refresh(); }
    });
    stream.onerror = function () {
      // The browser tries again by itself, but for an answer that is no stream.
      tell(true);
      if (stream.readyState === EventSource.CLOSED) { setTimeout(follow, every); }
    };
    stream.onopen = function () { tell(false); };
  }

  follow();
  // Ages grow on their own, and a browser that slept wants the newest state.
  setInterval(function () { if (!document.hidden) { refresh(); } }, every);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { refresh(); } });
})();
