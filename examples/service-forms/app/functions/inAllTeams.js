exports = function (teams, wanted) {
  return wanted.every((team) => teams.includes(team));
};
