// Keeps a page up to date. Without it the page reloads itself.
"use strict";
(function () {
  const main = document.getElementById("main");
  const state = document.getElementById("live");
  const kind = main.dataset.live;
  if (!kind || !window.EventSource) return;

  const pageEvery = 5000; // ms between two times that a whole page is fetched
  let fetched = Date.now(), waiting = null, filled = false; // a form has been filled in
  main.addEventListener("input", () => { filled = true; });

  function say(text) { if (state.textContent !== text) state.textContent = text; }

  // fetchPage replaces what the page shows, unless somebody is filling in a form.
  async function fetchPage() {
    waiting = null;
    fetched = Date.now();
    if (document.hidden || filled || main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return later();
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement : null;
      const path = focused && (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href") && 'a[href="' + CSS.escape(focused.getAttribute("href")) + '"]');
      const open = Array.from(main.querySelectorAll("details"), d => d.open);
      const next = fresh.getElementById("main");
      main.replaceChildren(...next.childNodes);
      main.querySelectorAll("details").forEach((d, i) => { d.open = open[i] || d.open; });
      if (next.dataset.seq) main.dataset.seq = next.dataset.seq;
      document.querySelector(".clock").replaceWith(fresh.querySelector(".clock"));
      if (path) main.querySelector(path)?.focus({ preventScroll: true });
    } catch (e) { /* the stream says when the server is back */ }
  }

  function later() {
    if (waiting === null) waiting = setTimeout(fetchPage, Math.max(0, fetched + pageEvery - Date.now()));
  }

  function take(change) {
    document.getElementById("summary").innerHTML = change.summary;
    for (const [id, html] of Object.entries(change.rows || {})) {
      const row = document.getElementById(id);
      if (!row) continue;
      const focused = row.contains(document.activeElement);
      const holder = document.createElement("tbody");
      holder.innerHTML = html;
      const fresh = holder.firstElementChild;
      row.replaceWith(fresh);
      if (focused) fresh.querySelector("a").focus({ preventScroll: true });
    }
    if (change.listed) later();
  }

  const stream = new EventSource("/live?seq=" + (main.dataset.seq || "0") + (kind === "fleet" ? "" : "&rows=none"));
  stream.onmessage = e => {
    say("live");
    if (kind === "fleet") take(JSON.parse(e.data)); else later();
  };
  stream.onopen = () => say("live");
  stream.onerror = () => {
    say("not connected: trying again");
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), pageEvery); // it may want a log-in
  };
  window.addEventListener("pagehide", () => stream.close());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && kind !== "fleet") later(); });
})();
