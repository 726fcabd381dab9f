(() => {
  const box = document.querySelector(".search");
  const [field, told] = [box.querySelector("input"), box.querySelector("output")];
  const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const gemeenten = [...document.querySelectorAll("[data-gemeente]")].map(seen => [seen, plain(seen.dataset.gemeente)]);
  const rows = gemeenten.filter(([seen]) => seen.localName === "tr");
  box.hidden = false;
  field.addEventListener("input", () => {
    const wanted = plain(field.value.trim());
    for (const [seen, name] of gemeenten) seen.classList.toggle("not-found", !name.includes(wanted));
    const n = rows.filter(([, name]) => name.includes(wanted)).length;
    told.textContent = wanted ? `${n} van ${rows.length} gemeenten` : "";
  });
})();
