"""Gazebo's own services for stepping and teleporting, offered by the simulator node."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Protocol

from f1_rl.nodes.simulator_world import World
from f1_rl.ros.messages import MessageError, yaw_of


class Steppable(Protocol):
    """What the services act on."""

    @property
    def world(self) -> World:
        """The world."""

    def pause(self, paused: bool) -> None:
        """Pause the world, or let it run."""

    def advance(self, physics_steps: int) -> None:
        """Move the world by physics steps and publish what falls due."""


class GazeboServices:
    """`world/<world>/control` and `world/<world>/set_pose/blocking`, as ros_gz_bridge has them.

    Nothing is offered where ros_gz_interfaces is not installed. As in Gazebo, a request to step
    must leave the world paused, and a teleport changes neither the command nor time. Resets of
    the whole world are refused: the car is reset by teleport.
    """

    def __init__(self, node: Any, world: str, entity: str, target: Steppable) -> None:
        """Offer the services.

        Args:
            node: The node to offer them.
            world: Name of the world.
            entity: Name of the car.
            target: What is stepped and teleported.
        """
        self._entity = entity
        self._target = target
        self.offered = find_spec("ros_gz_interfaces") is not None
        if not self.offered:
            return
        from ros_gz_interfaces.srv import ControlWorld, SetEntityPose

        node.create_service(ControlWorld, f"world/{world}/control", self.control)
        node.create_service(SetEntityPose, f"world/{world}/set_pose/blocking", self.set_pose)

    def control(self, request: Any, response: Any) -> Any:
        """Answer ControlWorld."""
        control = request.world_control
        response.success = not (control.reset.all or control.reset.time_only)
        if not response.success:
            return response
        self._target.pause(bool(control.pause))
        steps = int(control.multi_step) or int(bool(control.step))
        if steps and control.pause:
            self._target.advance(steps)
        return response

    def set_pose(self, request: Any, response: Any) -> Any:
        """Answer SetEntityPose."""
        position = request.pose.position
        response.success = request.entity.name == self._entity
        if not response.success:
            return response
        try:
            self._target.world.place(position.x, position.y, yaw_of(request.pose.orientation))
        except (MessageError, ValueError):
            response.success = False
        return response
